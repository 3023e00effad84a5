"""Bytes of a connection cut into pieces, given to the gateway's protocol with and without its shorter ways: what the
one answers, byte for byte, the other answers too, and each leaves the connection open or closed.

The first byte is how many cuts there are, two bytes say where each one is; the rest is what the client sends. It is
sent over three connections in a row, so that heads are known from the second on.
"""

import asyncio
import itertools
import logging
import re
from collections.abc import Callable
from typing import Any

import atheris

with atheris.instrument_imports(include=["serving", "uvicorn.protocols"]):
    import uvicorn

    from serving.connections.answer_bytes import DefaultHeaders
    from serving.connections.guarded_protocol import GuardedProtocol
    from serving.connections.watch import Watch
    from serving.known_heads import KnownHeads
    from serving.rest.response import Response
    from serving.whole_response import WholeResponseProtocol
    from tests.integration.fuzz.frame import fuzz
    from tests.unit.serving.one_connection import LIMITS

Answer = Callable[[Response, str], None]
MOST_CUTS, CONNECTIONS, MOST_TURNS = 7, 3, 200
ID = "an-id"
OWN_IDS = re.compile(rb'(x-request-id: |"request_id": ?")[0-9A-Za-z_-]+')
"""Of refusals, which have another each time."""


class Plain:
    """An application that answers with what it was asked: the path, the headers and the body."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message.get("body", b""), message.get("more_body", False)
        told = said(scope, body)
        headers = [(b"content-type", b"text/plain"), (b"x-request-id", ID.encode()), (b"content-length", length(told))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": told})


class Short(Plain):
    """The same, with the shorter way for some paths, which some bodies are refused."""

    def prepare(self, scope: Any) -> Callable[[bytes, Answer], Callable[[], None] | None] | None:
        if scope["path"].startswith("/n"):
            return None
        scope = {**scope, "headers": list(scope["headers"])}

        def begin(body: bytes, answer: Answer) -> Callable[[], None] | None:
            if body.startswith(b"D"):
                return None
            answer(Response(200, said(scope, body), content_type=b"text/plain"), ID)
            return lambda: None

        return begin


def said(scope: Any, body: bytes) -> bytes:
    return repr((scope["method"], scope["raw_path"], scope["query_string"], list(scope["headers"]), body)).encode()


def length(body: bytes) -> bytes:
    return b"%d" % len(body)


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        if not self.closed:
            self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.closed = True  # the client is told all that it will be

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)}.get(name, default)


class Server:
    """One of the two, with the connections it takes one after the other."""

    def __init__(self, app: Any, make: Callable[..., Any]) -> None:
        self._config = uvicorn.Config(app, ws="none", lifespan="off", access_log=False, log_config=None)
        self._config.load()
        self._config.loaded_app = app  # as it is, with its `prepare`
        self._make = make

    async def exchange(self, pieces: list[bytes], more: dict[str, Any]) -> tuple[bytes, bool]:
        """What is written for the pieces, and whether the connection is closed then."""
        state = uvicorn.Server(self._config).server_state
        protocol = self._make(watch=Watch(LIMITS), config=self._config, server_state=state, app_state={}, **more)
        transport = Transport()
        protocol.connection_made(transport)
        for piece in pieces:
            if transport.closed:  # a real one hands on nothing more
                break
            protocol.data_received(piece)
            await self._settled(state.tasks)
        written, closed = OWN_IDS.sub(rb"\1", b"".join(transport.written)), transport.closed
        protocol.connection_lost(None)
        await self._settled(state.tasks)
        for task in [*state.tasks]:
            task.cancel()
        return written, closed

    async def _settled(self, tasks: set[Any]) -> None:
        """After everything that can be done without more bytes: a task waits then, or is done."""
        turns = 3
        for _ in range(MOST_TURNS):
            before = len(tasks)
            await asyncio.sleep(0)
            turns = 3 if len(tasks) != before else turns - 1
            if not turns:
                return


def cut(data: bytes) -> tuple[list[bytes], bytes]:
    cuts = data[0] % (MOST_CUTS + 1)
    places, whole = data[1 : 1 + 2 * cuts], data[1 + 2 * cuts :]
    at = sorted(int.from_bytes(places[n : n + 2], "big") % (len(whole) + 1) for n in range(0, len(places), 2))
    bounds = [0, *at, len(whole)]
    return [piece for a, b in itertools.pairwise(bounds) if (piece := whole[a:b])], whole


class Both:
    def __init__(self) -> None:
        self._plain = Server(Plain(), GuardedProtocol)
        self._short = Server(Short(), WholeResponseProtocol)
        self._loop = asyncio.new_event_loop()

    def one_input(self, data: bytes) -> None:
        if not data:
            return
        pieces, whole = cut(data)
        self._loop.run_until_complete(self._compare(pieces, whole))

    async def _compare(self, pieces: list[bytes], whole: bytes) -> None:
        shared = {"heads": KnownHeads(), "default": DefaultHeaders()}
        for sent in (pieces, [whole]):
            expected = await self._plain.exchange(sent, {})
            for connection in range(CONNECTIONS):
                found = await self._short.exchange(sent, shared)
                assert found == expected, (connection, sent, found, expected)


if __name__ == "__main__":
    logging.disable()  # each bad request is told of
    fuzz(Both().one_input)
