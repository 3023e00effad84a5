"""Predictions as bytes on a socket: whole answers in order, whatever the client says of its connection."""

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Self

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


@pytest.mark.parametrize(
    "path",
    [b"/livez", b"/readyz", b"/metrics", b"/v2", b"/v1/models/digits", b"/openapi.json", b"/", b"/nowhere", PREDICT],
)
def test_head_is_answered_as_get_is_without_the_body(gateway: GatewayProcess, path: bytes) -> None:
    """And the next answer begins right behind its head."""
    asked = b"%s %s HTTP/1.1\r\nhost: gateway\r\nx-request-id: same\r\n%s\r\n"
    get = said(gateway, asked % (b"GET", path, b"connection: close\r\n"))
    head = said(gateway, asked % (b"HEAD", path, b""), asked % (b"GET", b"/livez", b"connection: close\r\n"))
    first, _, rest = head.partition(b"\r\n\r\n")
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")
    assert rest.endswith(b'{"status":"alive"}')
    assert told_of(first) == told_of(get.partition(b"\r\n\r\n")[0])


def told_of(head: bytes) -> list[bytes]:
    """Status and headers but those of the moment; of a length (figures are of the moment) that there is one."""
    lines = [line for line in head.lower().split(b"\r\n") if not line.startswith((b"date:", b"connection:"))]
    return [b"content-length" if line.startswith(b"content-length:") else line for line in lines]


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


class Connection:
    """One that stays open; asks and reads a whole answer at a time."""

    def __init__(self, gateway: GatewayProcess) -> None:
        host, port = gateway.url.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=30)
        self._read = b""

    def ask(self, *pieces: bytes) -> tuple[bytes, bytes]:
        """Status line and body."""
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            self.socket.sendall(piece)
        return self.read()

    def read(self) -> tuple[bytes, bytes]:
        while b"\r\n\r\n" not in self._read:
            self._read += self._more()
        head, _, body = self._read.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += self._more()
        self._read = body[length:]
        return head.split(b"\r\n")[0], body[:length]

    def _more(self) -> bytes:
        data = self.socket.recv(1 << 16)
        assert data, "closed before the answer was whole"
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def test_a_head_that_came_before_says_the_same_the_next_time(gateway: GatewayProcess) -> None:
    blank = b'{"instances": [%s]}' % (b"[" + b",".join([b"[9,0,0,0,0,0,0,0]"] * 8) + b"]")
    assert len(blank) == len(BODY)
    wrong = b'{"instances": "%s"}' % (b"-" * (len(BODY) - 18))
    with Connection(gateway) as first, Connection(gateway) as second:
        answers = [first.ask(request()), second.ask(request(blank)), first.ask(request()), second.ask(request(blank))]
        assert answers[0] == answers[2]
        assert answers[1] == answers[3]
        assert answers[0] != answers[1]
        assert {status for status, _ in answers} == {b"HTTP/1.1 200 OK"}
        assert first.ask(request(wrong))[0] == b"HTTP/1.1 400 Bad Request"
        assert first.ask(request()) == answers[0]


def test_a_known_head_in_pieces_or_with_others_around_it_is_read_as_ever(gateway: GatewayProcess) -> None:
    whole = request()
    with Connection(gateway) as connection:
        expected = connection.ask(whole)
        assert connection.ask(whole[:40], whole[40:]) == expected
        assert connection.ask(whole[: -len(BODY)], BODY) == expected
        assert connection.ask(whole[:-9], whole[-9:]) == expected
        assert connection.ask(whole + b"GET /livez HTTP/1.1\r\nhost: gateway\r\n\r\n" + whole) == expected
        assert connection.read()[0] == b"HTTP/1.1 200 OK"
        assert connection.read() == expected
        assert connection.ask(b"\r\n" + whole) == expected
        assert connection.ask(whole + whole + whole) == expected
        assert [connection.read(), connection.read()] == [expected, expected]
        assert connection.ask(whole) == expected


def test_a_bad_request_and_what_follows_it_in_one_piece_are_told_apart(gateway: GatewayProcess) -> None:
    bad, elsewhere = request(b"{}"), request().replace(PREDICT, b"/v1/models/none:predict")
    with Connection(gateway) as connection:
        for _ in range(3):
            assert connection.ask(bad + elsewhere)[0] == b"HTTP/1.1 400 Bad Request"
            assert connection.read()[0] == b"HTTP/1.1 404 Not Found"
            assert connection.ask(bad)[0] == b"HTTP/1.1 400 Bad Request"
            assert connection.ask(elsewhere)[0] == b"HTTP/1.1 404 Not Found"
