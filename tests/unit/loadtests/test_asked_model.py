"""How a gateway is asked what it serves: a server on loopback that refuses, or sends elsewhere."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from loadtests.asked_model import NotServed, ask_model

KEY = "psk_secret"


class Refusing(BaseHTTPRequestHandler):
    """Sends /v1/models/moved elsewhere, and answers all else with 403; keeps what came."""

    came: list[tuple[str, str | None]]

    def do_GET(self) -> None:  # the name is the library's
        self.came.append((self.path, self.headers["x-api-key"]))
        if "moved" in self.path:
            self.send_response(302)
            self.send_header("location", "/elsewhere")
        else:
            self.send_response(403)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def test_a_key_goes_where_it_was_meant_and_a_refusal_names_the_verbs() -> None:
    class Kept(Refusing):
        came: list[tuple[str, str | None]] = []  # noqa: RUF012 - the library makes a handler for each request

    with ThreadingHTTPServer(("127.0.0.1", 0), Kept) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with pytest.raises(NotServed, match=r"403.*--api-key or PENSTOCK_API_KEY.* predict and read") as refused:
            ask_model(f"http://127.0.0.1:{server.server_port}", "moved", api_key=KEY)
        server.shutdown()
    assert Kept.came == [("/v1/models/moved/metadata", KEY), ("/elsewhere", None)]
    assert KEY not in str(refused.value)
