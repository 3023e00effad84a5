"""One connection fed by hand, its clock moved by hand: what is too long, too slow or ambiguous ends it, and nothing
else does.
"""

import asyncio

import pytest

from serving.connections.limits import MOST_FRAMING_BYTES, MOST_PIPELINED
from tests.unit.serving.one_connection import Tried, post, tried

GET = b"GET / HTTP/1.1\r\nhost: h\r\n\r\n"
CHUNKED = b"POST /p HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /%b HTTP/1.1\r\nhost: h\r\n\r\n" % (b"a" * 1024), 414),
        (b"GET / HTTP/1.1\r\nhost: h\r\nx: %b\r\n\r\n" % (b"a" * 4096), 431),
        (b"GET / HTTP/1.1\r\nhost: h\r\n%b\r\n" % (b"x: a\r\n" * 20), 431),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: h\r\nhost: i\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nhost: h\r\n\r\n", 505),
        (b"GET /\r\n\r\n", 505),
        (b"POST /p HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /p HTTP/1.1\r\nhost: h\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (b"CONNECT h:80 HTTP/1.1\r\nhost: h\r\n\r\n", 501),
        (b"POST /p HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /p HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n", 400),
        (b"POST /p HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\ncontent-length: 3\r\n\r\nabc", 400),
        (b"POST /p HTTP/1.1\r\nhost: h\r\ncontent-length: 3, 3\r\n\r\nabc", 400),
        (b"POST /p HTTP/1.1\r\nhost: h\r\ncontent-length: +3\r\n\r\nabc", 400),
        (b"POST /p HTTP/1.1\r\nhost: h\r\ncontent-length : 3\r\n\r\nabc", 400),
        (b"GET / HTTP/1.1\r\nhost: h\r\nx: a\r\n b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nhost: h\n\n", 400),
        (b"GET / HTTP/1.1\r\nhost: h\r\nx: a\ny: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: h\r\nx: a\0b\r\n\r\n", 400),
        (CHUNKED + b"3\nabc\r\n0\r\n\r\n", 400),
        (CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n", 400),
    ],
)
def test_a_head_that_is_too_long_or_ambiguous_is_refused_and_the_connection_ended(head: bytes, status: int) -> None:
    def work(at: Tried) -> None:
        at.send(head)
        assert at.statuses == [status]
        assert at.is_over
        assert b"connection: close\r\n" in at.wire.transport.written
        at.send(post(b"abcdefgh"))
        assert at.statuses == [status]
        assert not at.app.begun

    tried(work)


def test_a_header_without_end_is_refused_at_its_limit() -> None:
    def work(at: Tried) -> None:
        at.send(b"GET / HTTP/1.1\r\nhost: h\r\nx: ", *[b"a" * 100] * 39)
        assert at.statuses == []
        at.send(b"a" * 200)
        assert at.statuses == [431]

    tried(work)


def test_a_head_in_two_pieces_may_be_as_long_as_one_in_one() -> None:
    def work(at: Tried) -> None:
        head = b"POST /p HTTP/1.1\r\nhost: h\r\nx: %b\r\ncontent-length: 8\r\n\r\n" % (b"a" * 3900)
        at.send(head[:-20], head[-20:] + b"abcdefgh")
        assert at.statuses == [200]

    tried(work)


def test_the_next_head_behind_a_large_body_is_not_taken_for_a_long_one() -> None:
    def work(at: Tried) -> None:
        body = post(b"x" * 60_000)
        at.send(body[:100], body[100:] + GET[:20])
        at.send(GET[20:])
        assert not at.is_over

    tried(work)


def test_a_head_that_drips_is_told_so_after_its_time_however_often_it_drips() -> None:
    def work(at: Tried) -> None:
        for byte in b"GET / HTTP":
            at.send(bytes([byte]))
            at.wait(1)
            assert at.statuses == []
        at.wait(2)
        assert at.statuses == [408]
        assert at.is_over

    tried(work)


def test_heads_that_each_come_in_two_pieces_are_no_slow_head() -> None:
    def work(at: Tried) -> None:
        whole = post(b"abcdefgh")
        for _ in range(60):
            at.send(whole[:30])
            at.wait(1)
            at.send(whole[30:])
        assert at.statuses == [200] * 60

    tried(work)


def test_one_that_never_asks_is_closed_after_a_heads_time_and_empty_lines_are_no_question() -> None:
    def work(at: Tried) -> None:
        for _ in range(10):
            at.wait(1)
            at.send(b"\r\n")
        assert not at.is_over
        at.wait(1)
        assert at.wire.transport.closed
        assert at.wire.transport.written == b""

    tried(work)


def test_one_that_asked_may_rest_longer_each_time() -> None:
    def work(at: Tried) -> None:
        for _ in range(3):
            at.send(post(b"abcdefgh"))
            at.wait(59)
            assert not at.is_over
        at.wait(2)
        assert at.wire.transport.closed

    tried(work)


@pytest.mark.parametrize("is_known", [False, True])
def test_a_body_below_the_least_pace_is_told_so(*, is_known: bool) -> None:
    def work(at: Tried) -> None:
        whole = post(b"x" * 5000)
        if is_known:
            at.send(whole)
        at.send(whole[:60])
        for _ in range(12):
            at.send(b"x" * 50)
            at.wait(1)
        assert at.statuses == [200] * is_known + [408]
        assert len(at.app.begun) == int(is_known)

    tried(work)


@pytest.mark.parametrize("is_known", [False, True])
def test_a_body_that_keeps_the_least_pace_may_take_its_time(*, is_known: bool) -> None:
    def work(at: Tried) -> None:
        whole = post(b"x" * 5000)
        if is_known:
            at.send(whole)
        for start in range(0, len(whole), 110):
            at.send(whole[start : start + 110])
            at.wait(1)
        assert at.statuses == [200] * (1 + is_known)

    tried(work)


def test_rows_may_come_as_slowly_as_the_application_lets_them() -> None:
    def work(at: Tried) -> None:
        at.send(
            CHUNKED.replace(b"/p", b"/v1/models/m:predict").replace(b"host: h", b"host: h\r\ncontent-type: text/csv")
        )
        at.wait(3600)
        assert not at.is_over

    tried(work)


def test_a_process_that_stood_still_does_not_hold_it_against_its_callers() -> None:
    def work(at: Tried) -> None:
        at.send(b"GET / HT")
        at.wait(1)
        at.watch.pass_seconds(3600.0)
        assert not at.is_over

    tried(work)


def test_an_answer_that_nobody_reads_is_given_up() -> None:
    def work(at: Tried) -> None:
        at.send(post(b"abcdefgh"))
        at.wire.protocol.pause_writing()
        at.wire.transport.unread_bytes = 100_000
        at.wait(9)
        assert not at.is_over
        at.wait(3)
        assert at.wire.transport.closed

    tried(work)


def test_an_answer_that_is_read_slowly_and_steadily_is_not() -> None:
    def work(at: Tried) -> None:
        at.send(post(b"abcdefgh"))
        at.wire.protocol.pause_writing()
        for unread in range(100_000, 70_000, -500):
            at.wire.transport.unread_bytes = unread
            at.wait(1)
        assert not at.is_over

    tried(work)


def test_a_close_that_waits_for_a_client_that_does_not_read_is_cut_short() -> None:
    def work(at: Tried) -> None:
        at.send(post(b"abcdefgh"))
        at.wire.transport.close()
        at.wire.transport.unread_bytes = 10
        at.wait(12)
        assert len(at.watch) == 0

    tried(work)


def test_trailers_are_no_headers_and_end_somewhere() -> None:
    def work(at: Tried) -> None:
        at.send(CHUNKED + b"3\r\nabc\r\n0\r\nauthorization: Bearer x\r\n\r\n")
        assert at.statuses == [200]
        assert b"authorization" not in dict(at.wire.protocol.scope["headers"])
        at.send(CHUNKED + b"3\r\nabc\r\n0\r\n", *[b"x: a\r\n" * 1000] * 20)
        assert at.statuses == [200, 400]

    tried(work)


def test_a_chunks_extension_ends_somewhere() -> None:
    def work(at: Tried) -> None:
        at.send(CHUNKED + b"3;x=" + b"a" * 100)
        at.send(*[b"a" * 8000] * (MOST_FRAMING_BYTES // 8000))
        assert at.statuses == []
        at.send(b"a" * 8000)
        assert at.statuses == [400]

    tried(work)


def test_a_body_in_chunks_of_a_byte_is_read() -> None:
    def work(at: Tried) -> None:
        at.send(CHUNKED, *[b"1\r\nx\r\n" * 1000] * 100, b"0\r\n\r\n")
        assert at.statuses == [200]
        assert len(at.app.begun[0]) == 100_000

    tried(work)


def test_a_long_line_of_requests_ends_somewhere_and_what_is_whole_is_answered() -> None:
    async def within() -> None:
        at = Tried()
        at.send(GET * (MOST_PIPELINED + 10))
        assert at.statuses == []
        async with asyncio.timeout(60):
            await at.wire.transport.over.wait()
        assert at.statuses == [200] * (MOST_PIPELINED + 1) + [503]

    asyncio.run(within())


def test_garbage_behind_a_request_under_way_is_refused_after_that_is_answered() -> None:
    async def within() -> None:
        at = Tried()
        at.send(GET + b"no HTTP\r\n\r\n")
        assert at.statuses == []
        at.wait(60)  # the watch leaves what the application still answers alone
        async with asyncio.timeout(30):
            await at.wire.transport.over.wait()
        assert at.statuses == [200, 400]

    asyncio.run(within())


def test_who_wants_another_protocol_is_answered_in_this_one_and_no_more() -> None:
    async def within() -> None:
        at = Tried()
        at.send(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n", GET)
        async with asyncio.timeout(30):
            await at.wire.transport.over.wait()
        assert at.statuses == [200]
        assert b"connection: close" in at.wire.transport.written

    asyncio.run(within())
