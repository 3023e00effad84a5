"""Predictions as bytes on a socket: whole answers in order, whatever the client says of its connection."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.processes import GatewayProcess

BODY = b'{"instances": [%s]}' % (b"[" + b",".join([b"[0,0,0,0,0,0,0,0]"] * 8) + b"]")
PREDICT = b"/v1/models/digits:predict"


def request(body: bytes = BODY, *, version: bytes = b"1.1", headers: bytes = b"") -> bytes:
    head = b"POST %s HTTP/%s\r\nhost: gateway\r\ncontent-length: %d\r\n%s\r\n" % (PREDICT, version, len(body), headers)
    return head + body


def said(gateway: GatewayProcess, *sent: bytes) -> bytes:
    """Everything the gateway sends until it closes the connection."""
    host, port = gateway.url.removeprefix("http://").split(":")
    answer = b""
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        for part in sent:
            connection.sendall(part)
        while data := connection.recv(1 << 16):
            answer += data
    return answer


def heads(answer: bytes) -> list[bytes]:
    return [b"HTTP/1.1 " + part.split(b"\r\n")[0] for part in answer.split(b"HTTP/1.1 ")[1:]]


def test_pipelined_requests_are_answered_in_their_order(gateway: GatewayProcess) -> None:
    last = request(headers=b"connection: close\r\nx-request-id: three\r\n")
    answer = said(
        gateway, request(headers=b"x-request-id: one\r\n") + request(b"{}", headers=b"x-request-id: two\r\n"), last
    )
    assert heads(answer) == [b"HTTP/1.1 200 OK", b"HTTP/1.1 400 Bad Request", b"HTTP/1.1 200 OK"]
    places = [answer.index(b"x-request-id: " + name) for name in (b"one", b"two", b"three")]
    assert places == sorted(places)


@pytest.mark.parametrize("options", [{"headers": b"connection: close\r\n"}, {"version": b"1.0"}])
def test_a_client_that_wants_no_more_is_told_so_and_let_go(gateway: GatewayProcess, options: dict[str, bytes]) -> None:
    answer = said(gateway, request(**options))
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert lines[0] == b"http/1.1 200 ok"
    assert b"connection: close" in lines
    assert b"content-length: %d" % len(body) in lines
    assert len([line for line in lines if line.startswith(b"content-length")]) == 1
    assert body.startswith(b'{"predictions":[[')


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(gateway: GatewayProcess) -> None:
    whole = request(headers=b"expect: 100-continue\r\nconnection: close\r\n")
    answer = said(gateway, whole[: -len(BODY)], BODY)
    assert heads(answer) == [b"HTTP/1.1 100 Continue", b"HTTP/1.1 200 OK"]


def test_a_body_in_pieces_and_a_large_answer_arrive_whole(gateway: GatewayProcess) -> None:
    rows = b",".join([BODY[BODY.index(b": [") + 3 : -2]] * 3000)
    whole = request(b'{"instances": [%s]}' % rows, headers=b"connection: close\r\n")
    pieces = [whole[start : start + 50_000] for start in range(0, len(whole), 50_000)]
    head, _, body = said(gateway, *pieces).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert b"content-length: %d" % len(body) in head.lower()
    assert body.count(b"[") == 3001


def test_a_long_line_of_bad_requests_behind_a_good_one_harms_nobody_else(gateway: GatewayProcess) -> None:
    bad = request(b"{}") * 400
    last = request(b"{}", headers=b"connection: close\r\n")
    with ThreadPoolExecutor(8) as clients:
        lines = [clients.submit(said, gateway, request() + bad + last) for _ in range(4)]
        others = [clients.submit(said, gateway, request(headers=b"connection: close\r\n")) for _ in range(40)]
        for line in lines:
            assert heads(line.result()) == [b"HTTP/1.1 200 OK"] + [b"HTTP/1.1 400 Bad Request"] * 401
        assert [heads(other.result()) for other in others] == [[b"HTTP/1.1 200 OK"]] * 40


def test_garbage_behind_a_good_request_harms_nobody_else(gateway: GatewayProcess) -> None:
    with ThreadPoolExecutor(8) as clients:
        broken = [clients.submit(said, gateway, request() + b"\0 no HTTP\r\n\r\n") for _ in range(10)]
        others = [clients.submit(said, gateway, request(headers=b"connection: close\r\n")) for _ in range(40)]
        assert all(b"400 Bad Request" in one.result() for one in broken)
        assert [heads(other.result()) for other in others] == [[b"HTTP/1.1 200 OK"]] * 40
