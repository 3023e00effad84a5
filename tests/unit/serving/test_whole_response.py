"""The protocol fed piece by piece: however a request is cut, it is answered once, with its own body."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from serving.known_heads import KnownHeads
from serving.rest.ask import INLINE_BYTES
from serving.rest.response import Response
from serving.whole_response import DefaultHeaders, WholeResponseProtocol

Answer = Callable[[Response, str], None]


class App:
    """Answers with the length of the body and its last bytes; `called` are the bodies that came the usual way."""

    def __init__(self) -> None:
        self.begun: list[bytes] = []
        self.called: list[bytes] = []
        self.declines = False
        self.told = asyncio.Event()

    def prepare(self, _: Scope) -> Callable[[bytes, Answer], Callable[[], None] | None]:
        def begin(body: bytes, answer: Answer) -> Callable[[], None] | None:
            if self.declines:
                return None
            self.begun.append(body)
            answer(Response(200, b"%d:%b" % (len(body), body[-4:])), "id")
            return lambda: None

        return begin

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.called.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})
        self.told.set()


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)}.get(name, default)


class Wire:
    """One connection to the application."""

    def __init__(self, app: App, heads: KnownHeads) -> None:
        config = uvicorn.Config(app, ws="none", lifespan="off", access_log=False, log_config=None)
        config.load()
        config.loaded_app = app  # as it is, with its `prepare`
        state = uvicorn.Server(config).server_state
        self.protocol = WholeResponseProtocol(
            heads=heads, default=DefaultHeaders(), config=config, server_state=state, app_state={}
        )
        self.transport = Transport()
        self.protocol.connection_made(self.transport)

    def answers(self, *pieces: bytes) -> list[bytes]:
        """The bodies that these pieces are answered with."""
        before = len(self.transport.written)
        for piece in pieces:
            self.protocol.data_received(piece)
        parts = self.transport.written[before:].split(b"HTTP/1.1 200 OK\r\n")[1:]
        return [part.partition(b"\r\n\r\n")[2] for part in parts]


def post(body: bytes) -> bytes:
    return b"POST /p HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n" % len(body) + body


def run(work: Callable[[App, KnownHeads], Any]) -> App:
    app = App()

    async def within() -> None:
        result = work(app, KnownHeads())
        if result is not None:
            await result

    asyncio.run(within())
    return app


def test_wherever_a_request_is_cut_it_is_answered_once_with_its_body() -> None:
    first, second = post(b"abcdefgh"), post(b"ijklmnop")

    def work(app: App, heads: KnownHeads) -> None:
        wire = Wire(app, heads)
        assert wire.answers(first) == [b"8:efgh"]
        assert len(heads) == 1
        for cut in range(1, len(first)):
            assert wire.answers(second[:cut], second[cut:]) == [b"8:mnop"], cut
            for again in range(cut + 1, len(first), 7):
                assert wire.answers(first[:cut], first[cut:again], first[again:]) == [b"8:efgh"], (cut, again)

    assert not run(work).called


def test_a_piece_that_ends_one_request_and_begins_the_next_is_told_apart() -> None:
    first, second = post(b"abcdefgh"), post(b"ijklmnop")

    def work(app: App, heads: KnownHeads) -> None:
        wire = Wire(app, heads)
        wire.answers(first)
        for cut in (3, len(first) - 8, len(first) - 3):
            for into in (1, len(second) - 2, len(second)):
                answers = wire.answers(
                    first[:cut], first[cut:] + second[:into], *([second[into:]] * (into < len(second)))
                )
                assert answers == [b"8:efgh", b"8:mnop"], (cut, into)

    run(work)


@pytest.mark.parametrize("size", [64 * 1024 - 1, 64 * 1024 + 1, INLINE_BYTES])
def test_a_large_body_is_answered_without_a_task_from_its_first_time_on(size: int) -> None:
    whole = post(b"x" * (size - 4) + b"last")
    pieces = [whole[start : start + 50_000] for start in range(0, len(whole), 50_000)]

    def work(app: App, heads: KnownHeads) -> None:
        wire = Wire(app, heads)
        for _ in range(3):
            assert wire.answers(*pieces) == [b"%d:last" % size]
        assert len(heads) == 1

    app = run(work)
    assert [len(body) for body in app.begun] == [size] * 3
    assert not app.called


def test_a_larger_one_goes_the_usual_way() -> None:
    whole = post(b"x" * (INLINE_BYTES + 1))
    pieces = [whole[start : start + 50_000] for start in range(0, len(whole), 50_000)]

    async def work(app: App, heads: KnownHeads) -> None:
        wire = Wire(app, heads)
        for piece in pieces:
            wire.protocol.data_received(piece)
            await asyncio.sleep(0)
        async with asyncio.timeout(30):
            await app.told.wait()
        assert wire.transport.written.endswith(b"ok")
        assert len(heads) == 0

    app = run(work)
    assert [len(body) for body in app.called] == [INLINE_BYTES + 1]


def test_what_the_application_declines_in_pieces_is_called_with_all_of_it() -> None:
    whole = post(b"abcdefgh")

    async def work(app: App, heads: KnownHeads) -> None:
        wire = Wire(app, heads)
        wire.answers(whole)
        app.declines = True
        wire.answers(whole[:-3], whole[-3:])
        async with asyncio.timeout(30):
            await app.told.wait()
        assert wire.transport.written.endswith(b"ok")

    assert run(work).called == [b"abcdefgh"]


def test_a_client_that_goes_in_the_middle_of_its_body_asks_for_nothing() -> None:
    whole = post(b"abcdefgh")

    def work(app: App, heads: KnownHeads) -> None:
        wire = Wire(app, heads)
        wire.answers(whole)
        wire.answers(whole[:-3])
        wire.protocol.connection_lost(None)
        assert Wire(app, heads).answers(whole) == [b"8:efgh"]

    assert run(work).begun == [b"abcdefgh"] * 2


def test_a_server_that_stops_in_the_middle_of_a_body_answers_it_and_lets_go() -> None:
    whole = post(b"abcdefgh")

    def work(app: App, heads: KnownHeads) -> None:
        wire = Wire(app, heads)
        wire.answers(whole)
        wire.answers(whole[:-3])
        wire.protocol.shutdown()
        assert not wire.transport.is_closing()
        assert wire.answers(whole[-3:]) == [b"8:efgh"]
        assert wire.transport.is_closing()
        assert b"connection: close" in wire.transport.written

    run(work)
