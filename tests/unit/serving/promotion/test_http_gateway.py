"""The gateway over HTTP, as far as its caller is refused: a server on loopback that answers what it is told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from serving.errors import Forbidden, Overloaded, Unauthenticated
from serving.promotion.http_gateway import HttpGateway

WORKERS = b"penstock_workers 1.0\n"


@contextmanager
def answering(status: int, body: bytes) -> Iterator[tuple[str, list[str | None]]]:
    """Its URL, and the key of each request that came."""
    keys: list[str | None] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name is the library's
            keys.append(self.headers["x-api-key"])
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", keys
        server.shutdown()


def test_every_call_presents_the_key_and_none_without_one() -> None:
    with answering(200, WORKERS) as (url, keys):
        for key in ("psk_1", None):
            with HttpGateway(url, api_key=key) as gateway:
                assert gateway.looks() == 1
    assert keys == ["psk_1", None]


@pytest.mark.parametrize(("status", "kind"), [(401, Unauthenticated), (403, Forbidden)])
@pytest.mark.parametrize("body", [b'{"error": "its credential is for read"}', b"<html>", b"[]"])
def test_metrics_that_are_refused_are_no_single_worker_but_an_error_with_the_verbs(
    status: int, kind: type[Exception], body: bytes
) -> None:
    with answering(status, body) as (url, _), HttpGateway(url, api_key="psk_secret") as gateway:
        with pytest.raises(kind, match=r"--api-key or PENSTOCK_API_KEY.* predict, read and metrics") as refused:
            gateway.looks()
        with pytest.raises(kind):
            gateway.answering("digits", None)
    assert f"/metrics answered {status}" in str(refused.value)
    assert ("credential is for read" in str(refused.value)) == (body[:1] == b"{")
    assert "psk_secret" not in str(refused.value)


def test_an_allowance_that_is_used_up_is_waited_for_like_a_full_queue() -> None:
    body = json.dumps({"error": "used up", "code": "QuotaExceeded"}).encode()
    with answering(429, body) as (url, _), HttpGateway(url) as gateway, pytest.raises(Overloaded, match="used up"):
        gateway.max_batch_rows("digits", 1)
