"""A service on a real port: who is asked, and what is read of a message before.

Each test has an event loop by `asyncio.run`: grpc.aio tells the closed loops of earlier tests of its last events, and a
runner that takes such a complaint for the test's own would fail one that is right.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import aio

from serving.access.caller import Verb
from serving.access.visitors import Visitors
from serving.backends.in_memory import InMemoryBackend
from serving.catalog import Catalog
from serving.grpc.calls import Call, Calls
from serving.grpc.service import MethodOf, Service
from serving.observability.metrics import RequestMetrics
from tests.unit.serving.access.callers import Keys, caller

BOUND_SECONDS = 20.0
LARGE = b"a" * 3_000_000
KEYS = {b"predicts": caller("predicts", Verb.PREDICT), b"reads": caller("reads", Verb.READ)}


@dataclass(slots=True)
class Text:
    """A kind of message that remembers what it was read from."""

    read: list[bytes] = field(default_factory=list)

    def FromString(self, data: bytes) -> bytes:  # noqa: N802 - protobuf's name
        self.read.append(data)
        return data


@dataclass(frozen=True, slots=True)
class Answer:
    name: str

    def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's name
        return self.name.encode()


@dataclass(frozen=True, slots=True)
class Running:
    kind: Text
    metrics: RequestMetrics
    call: Callable[..., Any]

    async def asked(self, method: str, message: bytes, key: str) -> bytes:
        return bytes(
            await self.call(f"/some.Service/{method}")(message, metadata=[("x-api-key", key)], timeout=BOUND_SECONDS)
        )

    async def refusal(self, method: str, message: bytes, key: str) -> grpc.StatusCode:
        with pytest.raises(aio.AioRpcError) as refused:
            await self.asked(method, message, key)
        assert dict(refused.value.trailing_metadata() or ())["x-request-id"]
        return refused.value.code()

    def counted(self) -> list[tuple[str, str]]:
        samples = [sample for metric in self.metrics.collect() for sample in metric.samples if sample.value]
        found = [each.labels for each in samples if each.name == "penstock_requests_total"]
        return [(each["protocol"], each["code"]) for each in found]


@asynccontextmanager
async def running(visitors: Visitors | None) -> AsyncIterator[Running]:
    metrics, kind = RequestMetrics(), Text()
    catalog = Catalog(Path("models"), InMemoryBackend({}, lambda _, __: {}, iter(())), 1.0)
    calls = Calls(catalog, metrics, BOUND_SECONDS, visitors=visitors)

    async def answer(_: bytes, call: Call) -> Answer:
        return Answer(call.caller)

    methods = {"Predict": MethodOf(kind, answer), "Read": MethodOf(kind, answer, counted=False)}
    server = aio.server()
    server.add_generic_rpc_handlers((Service("some.Service", "grpc_v2", methods).generic(calls),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Running(kind, metrics, channel.unary_unary)
    finally:
        await server.stop(0)


def test_no_byte_is_read_of_the_message_of_whoever_is_refused() -> None:
    async def story() -> None:
        async with running(Visitors([Keys(dict(KEYS))])) as service:
            assert await service.refusal("Predict", LARGE, "nobody") is grpc.StatusCode.UNAUTHENTICATED
            assert await service.refusal("Predict", LARGE, "reads") is grpc.StatusCode.PERMISSION_DENIED
            assert await service.refusal("Read", LARGE, "predicts") is grpc.StatusCode.PERMISSION_DENIED
            assert service.kind.read == []
            assert sorted(service.counted()) == [("grpc_v2", "PERMISSION_DENIED"), ("grpc_v2", "UNAUTHENTICATED")]

    asyncio.run(story())


def test_calls_at_once_know_their_own_callers() -> None:
    async def story() -> None:
        async with running(Visitors([Keys(dict(KEYS))])) as service:
            asked = [service.asked(*each) for each in 5 * [("Predict", LARGE, "predicts"), ("Read", b"", "reads")]]
            assert await asyncio.gather(*asked) == 5 * [b"predicts", b"reads"]

    asyncio.run(story())


def test_a_service_that_asks_nobody_reads_at_once() -> None:
    async def story() -> None:
        async with running(None) as service:
            assert await service.asked("Predict", b"some", "nobody") == b""
            assert service.kind.read == [b"some"]

    asyncio.run(story())
