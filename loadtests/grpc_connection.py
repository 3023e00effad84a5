"""gRPC calls of the open-loop generator: several channels, each with a few calls at a time, messages never decoded."""

import asyncio
from typing import Any, TypeAlias

import grpc

from loadtests.wire import GRPC_STATUS, Connection, Listener, WireRequest

CALLS_A_CHANNEL = 8
"""Calls at once on one channel, and so on one HTTP/2 connection: many callers, and still many connections."""
READY_SECONDS = 10.0
OPTIONS = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1))
"""Without the first, all channels of a process would share one connection."""
CODES = {status.value[0]: status.name for status in grpc.StatusCode}
Metadata: TypeAlias = tuple[tuple[str, str], ...]


class GrpcOpener:
    """Hands out the places on the channels; a channel that breaks connects again by itself."""

    def __init__(self, address: str, timeout_seconds: float, metadata: Metadata = ()) -> None:
        self._address, self._timeout_seconds, self._metadata = address, timeout_seconds, metadata
        self._channels: list[grpc.aio.Channel] = []
        self._places = 0

    async def open(self, listener: Listener) -> Connection:
        if not self._places:
            channel = grpc.aio.insecure_channel(self._address, OPTIONS)
            self._channels.append(channel)
            self._places = CALLS_A_CHANNEL
            try:
                async with asyncio.timeout(READY_SECONDS):
                    await channel.channel_ready()
            except TimeoutError as error:
                raise ConnectionRefusedError(f"nobody answers gRPC at {self._address}") from error
        self._places -= 1
        return GrpcCaller(self._channels[-1], listener, self._timeout_seconds, self._metadata)

    async def close(self) -> None:
        for channel in self._channels:
            await channel.close(None)


class GrpcCaller:
    """One place on a channel."""

    def __init__(
        self, channel: "grpc.aio.Channel", listener: Listener, timeout_seconds: float, metadata: Metadata
    ) -> None:
        self._channel, self._timeout_seconds, self._metadata = channel, timeout_seconds, metadata
        self._listener: Listener | None = listener
        self._methods: dict[str, Any] = {}
        self._call: asyncio.Task[None] | None = None

    def ask(self, number: int, request: WireRequest) -> None:
        self._call = asyncio.get_running_loop().create_task(self._ask(number, request))

    async def _ask(self, number: int, request: WireRequest) -> None:
        method = self._methods.get(request.method)
        if method is None:
            method = self._methods[request.method] = self._channel.unary_unary(request.method)
        status = GRPC_STATUS
        try:
            await method(request.content, timeout=self._timeout_seconds, metadata=self._metadata)
        except grpc.aio.AioRpcError as failed:
            status += failed.code().value[0]
        if self._listener is not None:
            self._listener.answered(self, number, status, stays=True)

    def close(self) -> None:
        self._listener = None
        if self._call is not None:
            self._call.cancel()


def status_name(status: int) -> str:
    """As `RunResult.statuses` names it: the HTTP status, gRPC's name of the code, or "0" for no answer."""
    return CODES[status - GRPC_STATUS] if status >= GRPC_STATUS else str(status)
