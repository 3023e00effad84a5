"""Heads that are remembered, and those that must not be: what is kept decides where requests begin and end."""

from collections.abc import Callable

import pytest

from serving.known_heads import MOST_HEAD_BYTES, MOST_HEADS, KnownHeads, head_of

PATH = b"/v1/models/digits:predict"
HEADERS = ((b"host", b"gateway"), (b"content-length", b"7"))


def begin(body: bytes, answer: Callable[..., None]) -> None: ...


def head(*headers: tuple[bytes, bytes], first: bytes = b"POST %b HTTP/1.1" % PATH) -> bytes:
    return b"\r\n".join([first, *(b"%b: %b" % pair for pair in headers), b"", b""])


def learned(data: bytes, headers: tuple[tuple[bytes, bytes], ...] = HEADERS, body_bytes: int = 7) -> bool:
    heads = KnownHeads()
    heads.learn(data, PATH, headers, body_bytes, begin)
    return heads.find(data) is not None


def test_a_head_is_known_again_with_the_length_of_its_body() -> None:
    heads = KnownHeads()
    heads.learn(head(*HEADERS), PATH, HEADERS, 7, begin)
    known = heads.find(head_of(head(*HEADERS) + b"1234567"))
    assert known is not None
    assert known.body_bytes == 7
    assert known.begin is begin
    assert heads.find(head(*HEADERS, (b"x-priority", b"high"))) is None


@pytest.mark.parametrize(
    "more",
    [
        (b"connection", b"close"),
        (b"transfer-encoding", b"chunked"),
        (b"expect", b"100-continue"),
        (b"upgrade", b"h2c"),
        (b"x-request-id", b"one"),
        (b"content-length", b"7"),
    ],
)
def test_what_changes_how_a_request_is_read_or_is_its_own_is_not_kept(more: tuple[bytes, bytes]) -> None:
    headers = (*HEADERS, more)
    assert not learned(head(*headers), headers)


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n" + head(*HEADERS),
        head(*HEADERS, (b"x-more", b"unseen by the parser")),
        head(*HEADERS).replace(b"gateway\r\n", b"gateway\n"),
        head(*HEADERS).replace(b"gateway", b"gate\r\n way"),
        head(*HEADERS, first=b"POST /v1/models/other:predict HTTP/1.1"),
        head(*HEADERS, first=b"POST %b HTTP/1.0" % PATH),
        head(*HEADERS, first=b"GET %b HTTP/1.1" % PATH),
    ],
)
def test_bytes_that_are_not_just_this_head_are_not_kept(data: bytes) -> None:
    assert learned(head(*HEADERS))
    assert not learned(data)


def test_a_length_that_is_not_the_bodys_is_not_kept() -> None:
    assert not learned(head(*HEADERS), body_bytes=8)
    assert not learned(head(HEADERS[0]), (HEADERS[0],), 0)


def test_the_memory_is_bounded_in_heads_and_bytes() -> None:
    heads = KnownHeads()
    for number in range(MOST_HEADS + 10):
        headers = (*HEADERS, (b"x-tenant", b"%d" % number))
        heads.learn(head(*headers), PATH, headers, 7, begin)
    assert 0 < len(heads) <= MOST_HEADS
    assert head_of(head(*HEADERS, (b"x-long", b"-" * MOST_HEAD_BYTES))) == b""
    assert head_of(b"POST / HTTP/1.1\r\nhost: half") == b""
