"""The gateway itself on loopback sockets, in a thread, with a model that answers once a gate is opened."""

import asyncio
import functools
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from serving.app import create_app
from serving.backend_protocol import Arrays, Target
from serving.backends.in_memory import InMemoryBackend
from serving.connections.answer_bytes import DefaultHeaders
from serving.connections.watch import Watch
from serving.contract.tensors import Array
from serving.gateway import Gateway
from serving.known_heads import KnownHeads
from serving.serve import connection_limits
from serving.settings import Settings
from serving.whole_response import WholeResponseProtocol
from tests.doubles import doubles_manifest, publish_in_miniature
from tests.swaps import until

MODEL = "doubles"
STOP_SECONDS = 60.0


def doubled(_: Target, inputs: Arrays) -> Mapping[str, Array]:
    return {"value": inputs["x"][:, None] * 2}


class GatedBackend(InMemoryBackend):
    def __init__(self) -> None:
        super().__init__({MODEL: {1: doubles_manifest().signatures}}, doubled)
        self.gate = asyncio.Event()

    async def predict(self, target: Target, inputs: Arrays, deadline_seconds: float) -> dict[str, Array]:
        await self.gate.wait()
        return await super().predict(target, inputs, deadline_seconds)


class GatedGateway:
    """What a test may look at and do from its own thread."""

    def __init__(self, gateway: Gateway, backend: GatedBackend, server: uvicorn.Server) -> None:
        self._gateway, self._backend, self._server = gateway, backend, server
        self.loop: asyncio.AbstractEventLoop | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    @property
    def grpc_url(self) -> str:
        return f"grpc://127.0.0.1:{self._gateway.grpc.port}"

    def open_gate(self) -> None:
        assert self.loop
        self.loop.call_soon_threadsafe(self._backend.gate.set)

    def close_gate(self) -> None:
        assert self.loop
        self.loop.call_soon_threadsafe(self._backend.gate.clear)

    def in_flight(self) -> int:
        return sum(self.figures("penstock_inflight_batches"))

    def queued(self) -> int:
        return sum(self.figures("penstock_queue_rows"))

    def rejected(self) -> int:
        return sum(self.figures("penstock_rejected_total"))

    def figures(self, name: str) -> list[int]:
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=STOP_SECONDS) as answer:  # noqa: S310 - loopback
            lines = answer.read().decode().splitlines()
        return [int(float(line.rsplit(" ", 1)[1])) for line in lines if line.split("{")[0].split(" ")[0] == name]

    async def serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        await self._server.serve()

    def is_started(self) -> bool:
        return self._server.started and self._gateway.started.is_set()

    def stop(self) -> None:
        self.open_gate()
        self._server.should_exit = True


@contextmanager
def gated_gateway(models: Path, **settings: Any) -> Iterator[GatedGateway]:
    """One batch of one row at a time, and room for `max_queue_rows` more."""
    publish_in_miniature(models, doubles_manifest())
    backend = GatedBackend()
    given = {"models": models, "grpc_port": 0, "max_in_flight_batches": 1, "max_batch_rows": 1, **settings}
    app = create_app(Settings(**given), backend=backend)
    watch = Watch(connection_limits(Settings(**given)))
    protocol = functools.partial(WholeResponseProtocol, heads=KnownHeads(), default=DefaultHeaders(), watch=watch)
    config = uvicorn.Config(
        app.state.front,
        port=0,
        http=protocol,  # type: ignore[arg-type]  # any maker of protocols
        ws="none",
        log_config=None,
        access_log=False,
    )
    gateway = GatedGateway(app.state.gateway, backend, uvicorn.Server(config))
    thread = threading.Thread(target=asyncio.run, args=(gateway.serve(),))
    thread.start()
    try:
        until(gateway.is_started)
        yield gateway
    finally:
        gateway.stop()
        thread.join(STOP_SECONDS)
