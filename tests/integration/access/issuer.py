"""An issuer on loopback, whose documents a test changes, and which counts what it is asked."""

import http.server
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

Answer = tuple[int, dict[str, str], bytes]


class Issuer(http.server.ThreadingHTTPServer):
    """`answers` has the status, headers and body of each path; what is not there is 404."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Answerer)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.answers: dict[str, Answer] = {}
        self.asked: Counter[str] = Counter()
        self.goes_on = threading.Event()
        self.publish("/.well-known/openid-configuration", {"issuer": self.url, "jwks_uri": f"{self.url}/jwks"})

    def publish(self, path: str, document: bytes | dict[str, object]) -> None:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.answers[path] = (200, {"Content-Type": "application/json"}, body)


class _Answerer(http.server.BaseHTTPRequestHandler):
    server: Issuer

    def do_GET(self) -> None:
        self.server.asked[self.path] += 1
        status, headers, body = self.server.answers.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        if "Content-Length" in headers:  # more than there is: the rest is never sent
            self.server.goes_on.wait(60)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running_issuer(port: int = 0) -> Iterator[Issuer]:
    """Answers until the block ends; then nothing listens on its port."""
    with Issuer(port) as issuer:
        thread = threading.Thread(target=issuer.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield issuer
        finally:
            issuer.goes_on.set()
            issuer.shutdown()
            thread.join()
