"""How many connections there may be at once: who gives way to a newcomer, and who is told to come back."""

import asyncio
import dataclasses

from serving.connections.watch import Watch
from serving.known_heads import KnownHeads
from tests.unit.serving.one_connection import LIMITS, App, Wire, post

GET = b"GET / HTTP/1.1\r\nhost: h\r\n\r\n"
CHUNKED = b"POST /p HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n"


def test_past_the_most_connections_the_longest_idle_goes() -> None:
    async def within() -> None:
        watch = Watch(dataclasses.replace(LIMITS, max_connections=3))
        app, heads = App(), KnownHeads()
        wires = [Wire(app, heads, watch) for _ in range(3)]
        for wire in wires:
            watch.pass_seconds(1.0)
            wire.answers(post(b"abcdefgh"))
        wires[0].answers(post(b"abcdefgh"))
        newcomer = Wire(app, heads, watch)
        assert [wire.transport.closed for wire in wires] == [False, True, False]
        assert newcomer.answers(post(b"abcdefgh")) == [b"8:efgh"]
        assert len(watch) == 3

    asyncio.run(within())


def test_where_all_are_busy_the_newcomer_is_told_to_come_back() -> None:
    async def within() -> None:
        watch = Watch(dataclasses.replace(LIMITS, max_connections=2))
        busy = [Wire(App(), KnownHeads(), watch) for _ in range(2)]
        for wire in busy:
            wire.protocol.data_received(GET)
        newcomer = Wire(App(), KnownHeads(), watch)
        assert newcomer.transport.written == b""
        newcomer.protocol.data_received(post(b"abcdefgh"))
        assert newcomer.transport.written.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1\r\n" in newcomer.transport.written
        assert newcomer.transport.ended
        silent = Wire(App(), KnownHeads(), watch)
        for _ in range(4):
            watch.pass_seconds(1.0)
        assert silent.transport.closed
        assert [wire.transport.closed for wire in busy] == [False, False]

    asyncio.run(within())


def test_one_address_may_be_held_to_a_number_of_its_own() -> None:
    async def within() -> None:
        watch = Watch(dataclasses.replace(LIMITS, max_connections_per_address=2))
        wires = [Wire(App(), KnownHeads(), watch) for _ in range(3)]
        for wire in wires:
            wire.protocol.data_received(post(b"abcdefgh"))
        assert [wire.transport.written[9:12] for wire in wires] == [b"200", b"200", b"503"]
        wires[0].protocol.connection_lost(None)
        wires[2].protocol.connection_lost(None)
        assert Wire(App(), KnownHeads(), watch).answers(post(b"abcdefgh")) == [b"8:efgh"]

    asyncio.run(within())
