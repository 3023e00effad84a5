"""What stands before an S3 on loopback: it passes requests on, and refuses the objects that it is told to."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DENIED = b"<Error><Code>AccessDenied</Code><Message>not for you</Message></Error>"


class StoreProxy(ThreadingHTTPServer):
    """`denied` are ends of paths whose objects nobody may read; `asked` are the requests so far, as METHOD PATH."""

    daemon_threads = True

    def __init__(self, behind_port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.behind_port = behind_port
        self.denied: set[str] = set()
        self.asked: list[str] = []


class _Passing(BaseHTTPRequestHandler):
    server: StoreProxy
    protocol_version = "HTTP/1.1"

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        path = self.path.partition("?")[0]
        self.server.asked.append(f"{self.command} {path}")
        if self.command in ("GET", "HEAD") and path.endswith(tuple(self.server.denied)):
            self.answer(403, {"content-type": "application/xml", "content-length": str(len(DENIED))}, DENIED)
            return
        behind = http.client.HTTPConnection("127.0.0.1", self.server.behind_port, timeout=60)
        try:
            behind.request(self.command, self.path, body, dict(self.headers))
            answer = behind.getresponse()
            self.answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            behind.close()

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("connection", "transfer-encoding", "server", "date"):
                self.send_header(name, value)
        if "content-length" not in {name.lower() for name in headers}:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Nothing: what was asked is in `asked`."""

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = pass_on  # noqa: N815 - the base class calls them so


@contextmanager
def proxy_before(port: int) -> Iterator[StoreProxy]:
    proxy = StoreProxy(port)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        thread.join()
        proxy.server_close()
