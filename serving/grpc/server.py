"""The gRPC server: every service on one port, in the gateway's own event loop, with health that follows readiness."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha.reflection_pb2_grpc import add_ServerReflectionServicer_to_server as add_reflection

from serving.access.caller import Verb
from serving.errors import BackendUnavailable
from serving.grpc.calls import Calls
from serving.grpc.connection_options import connection_options
from serving.grpc.service import Service


@dataclass(frozen=True, slots=True)
class Door:
    """Where to listen, the largest messages in and out, how long a stop waits for calls under way, and what
    connections there may be. A `shared` one is opened by every worker of the gateway. `credentials` are TLS; None is
    clear text.
    """

    host: str
    port: int
    max_request_bytes: int
    max_answer_bytes: int
    grace_seconds: float
    shared: bool = False
    max_metadata_bytes: int = 32 * 1024
    handshake_seconds: float = 10.0
    idle_seconds: float = 75.0
    max_connections: int = 2048
    credentials: grpc.ServerCredentials | None = None

    @property
    def address(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class GrpcServer:
    """`ready` says whether requests can come. `port` is the one bound, 0 before `start`."""

    def __init__(self, services: Sequence[Service], calls: Calls, door: Door, ready: Callable[[], bool]) -> None:
        self._services = services
        self._calls = calls
        self._door = door
        self._ready = ready
        health = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
        self._names = (*(service.name for service in services), health, reflection.SERVICE_NAME)
        self._health = health_aio.HealthServicer()
        self._server: aio.Server | None = None
        self._stopping = False
        self.port = 0

    async def start(self) -> None:
        """Raises BackendUnavailable when the address is taken."""
        door = self._door
        server = aio.server(
            options=[
                *connection_options(
                    door.max_metadata_bytes, door.handshake_seconds, door.idle_seconds, door.max_connections
                ),
                ("grpc.max_receive_message_length", door.max_request_bytes),
                ("grpc.max_send_message_length", door.max_answer_bytes),
                # Unless they are workers of one: a second gateway on the port must fail, not share its callers.
                ("grpc.so_reuseport", int(door.shared)),
            ]
        )
        server.add_generic_rpc_handlers(tuple(service.generic(self._calls) for service in self._services))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        add_reflection(_Reflection(self._names, self._calls), server)
        try:
            self.port = self._opened(server)
        except RuntimeError as error:
            reason = f"cannot listen on {self._door.address} for gRPC; choose another port with --grpc-port"
            raise BackendUnavailable(reason) from error
        await self.follow_readiness()
        await server.start()
        self._server = server

    def _opened(self, server: aio.Server) -> int:
        address, credentials = self._door.address, self._door.credentials
        port: int = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
        return port

    async def follow_readiness(self) -> None:
        """Health says what readiness is now, of every service and overall; watchers are told of a change."""
        response = health_pb2.HealthCheckResponse
        status = response.SERVING if self._ready() else response.NOT_SERVING
        for name in ("", *self._names):
            await self._health.set(name, status)

    async def stop(self) -> None:
        """Say NOT_SERVING, take nothing new, and give what is under way its grace. May be called again."""
        if self._server is None:
            return
        if not self._stopping:
            self._stopping = True
            await self._health.enter_graceful_shutdown()
        await self._server.stop(self._door.grace_seconds)


class _Reflection(reflection.aio.ReflectionServicer):  # type: ignore[misc]  # grpc_reflection has no types
    """Which services and messages there are, for callers who may read."""

    def __init__(self, names: Sequence[str], calls: Calls) -> None:
        super().__init__(names)
        self._calls = calls

    async def ServerReflectionInfo(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:  # noqa: N802 - the protocol's name
        await self._calls.opening("grpc_v2", Verb.READ, context)
        async for answer in super().ServerReflectionInfo(requests, context):
            yield answer
