"""One connection to an application without a socket: what it is sent, and what it writes."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send

from serving.connections.answer_bytes import DefaultHeaders
from serving.connections.limits import ConnectionLimits
from serving.connections.watch import Watch
from serving.known_heads import KnownHeads
from serving.rest.response import Response
from serving.whole_response import WholeResponseProtocol

Answer = Callable[[Response, str], None]
LIMITS = ConnectionLimits(
    max_head_bytes=4096,
    max_headers=20,
    max_target_bytes=1024,
    head_seconds=10.0,
    pace_bytes_per_second=100,
    pace_window_seconds=10.0,
    keep_alive_seconds=60.0,
    max_connections=1000,
)


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
        self.closed = self.ended = False
        self.over = asyncio.Event()
        self.unread_bytes = 0
        self.protocol: Any = None

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True
        self.over.set()

    def abort(self) -> None:
        self.close()
        self.protocol.connection_lost(None)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True
        self.over.set()

    def get_write_buffer_size(self) -> int:
        return self.unread_bytes

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)}.get(name, default)


class Wire:
    """One connection to the application."""

    def __init__(self, app: App, heads: KnownHeads, watch: Watch | None = None) -> None:
        config = uvicorn.Config(app, ws="none", lifespan="off", access_log=False, log_config=None)
        config.load()
        config.loaded_app = app  # as it is, with its `prepare`
        state = uvicorn.Server(config).server_state
        self.protocol = WholeResponseProtocol(
            heads=heads,
            default=DefaultHeaders(),
            watch=Watch(LIMITS) if watch is None else watch,
            config=config,
            server_state=state,
            app_state={},
        )
        self.transport = Transport()
        self.transport.protocol = self.protocol
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


class Tried:
    """A connection and its watch."""

    def __init__(self) -> None:
        self.app, self.heads, self.watch = App(), KnownHeads(), Watch(LIMITS)
        self.wire = Wire(self.app, self.heads, self.watch)

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.wire.protocol.data_received(piece)

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.watch.pass_seconds(1.0)

    @property
    def statuses(self) -> list[int]:
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", self.wire.transport.written)]

    @property
    def is_over(self) -> bool:
        return self.wire.transport.closed or self.wire.transport.ended


def tried(work: Callable[[Tried], None]) -> None:
    async def within() -> None:
        work(Tried())

    asyncio.run(within())
