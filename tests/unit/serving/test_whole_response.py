"""The protocol fed piece by piece: however a request is cut, it is answered once, with its own body."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from serving.known_heads import KnownHeads
from serving.rest.ask import INLINE_BYTES
from tests.unit.serving.one_connection import App, Wire, post


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
