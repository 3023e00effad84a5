"""gRPC calls of a storm's load, whose every end is judged and booked by whoever listens.

A call waits for its channel to be connected, as a request over REST waits for a connection: what breaks one is a
connection that was there. Channels come back soon, so that a recovery is the gateway's and not gRPC's patience.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import grpc

from loadtests.wire import GRPC_STATUS, Connection, Listener, WireRequest
from tests.integration.chaos.calls import Manner, Said

CALLS_A_CHANNEL, READY_SECONDS = 2, 30.0
OPTIONS = (
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
)
Told: TypeAlias = Callable[[int, Said], None]


@dataclass
class CallOpener:
    """Hands out places on channels; each channel is a connection of its own."""

    address: str
    manner: Manner
    told: Told
    _channels: list[grpc.aio.Channel] = field(default_factory=list)
    _places: int = 0

    async def open(self, listener: Listener) -> Connection:
        if not self._places:
            channel = grpc.aio.insecure_channel(self.address, OPTIONS)
            self._channels.append(channel)
            self._places = CALLS_A_CHANNEL
            try:
                await asyncio.wait_for(channel.channel_ready(), READY_SECONDS)
            except TimeoutError as error:
                raise ConnectionRefusedError(f"nobody answers gRPC at {self.address}") from error
        self._places -= 1
        return Caller(self._channels[-1], self.manner, self.told, listener)

    async def close(self) -> None:
        for channel in self._channels:
            await channel.close(None)


@dataclass(eq=False)
class Caller:
    """One place on a channel; given up only by `close`, since gRPC connects again by itself."""

    channel: grpc.aio.Channel
    manner: Manner
    told: Told
    listener: Listener | None
    _call: asyncio.Task[None] | None = None

    def ask(self, number: int, request: WireRequest) -> None:
        self._call = asyncio.get_running_loop().create_task(self._ask(number, request))

    async def _ask(self, number: int, request: WireRequest) -> None:
        began, manner = time.perf_counter(), self.manner
        call = self.channel.unary_unary(request.method)(
            request.content, timeout=manner.deadline_seconds, metadata=manner.metadata(number), wait_for_ready=True
        )
        content = b""
        try:
            content = await call
        except grpc.aio.AioRpcError as failed:
            code, metadata = failed.code(), failed.trailing_metadata()
        else:
            code, metadata = await call.code(), await call.trailing_metadata()
        if self.listener is not None:
            self.told(number, Said(code, content, dict(metadata or ()), time.perf_counter() - began))
            self.listener.answered(self, number, GRPC_STATUS + code.value[0], stays=True)

    def close(self) -> None:
        self.listener = None
        if self._call is not None:
            self._call.cancel()
