"""What the Python client costs a call: its `predict` beside a bare call of httpx2 or grpcio with the same bytes."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

import grpc
import httpx2
from grpc import aio
from penstock_client import AsyncClient, Client
from penstock_client.messages import Request, Response
from penstock_client.settings import ClientSettings
from penstock_client.wires import open_wire

MODEL = "diabetes"
PATIENT: Mapping[str, float] = MappingProxyType(
    {
        "age": 59,
        "sex": 2,
        "bmi": 32.1,
        "bp": 101,
        "s1": 157,
        "s2": 93.2,
        "s3": 38,
        "s4": 4,
        "s5": 4.86,
        "s6": 87,
    }
)
BLOCK_CALLS = 50
"""Calls in a row of one kind, before the other's turn: few, so that both see the same machine."""
TIMEOUT_SECONDS = 30.0

Ask: TypeAlias = Callable[[], object]
AskAsync: TypeAlias = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class CallCost:
    """One round: the median call in milliseconds, and the processor time of this process a call."""

    bare_ms: float
    client_ms: float
    bare_cpu_ms: float
    client_cpu_ms: float

    @property
    def overhead_ms(self) -> float:
        return self.client_ms - self.bare_ms

    @property
    def overhead_cpu_ms(self) -> float:
        return self.client_cpu_ms - self.bare_cpu_ms


@dataclass(slots=True)
class _Clocked:
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0

    def median_ms(self) -> float:
        return statistics.median(self.seconds) * 1000

    def cpu_ms(self) -> float:
        return self.cpu_seconds / len(self.seconds) * 1000


class _Recorder:
    """Carries requests by the wire's own transport and keeps the last one."""

    def __init__(self, url: str) -> None:
        self._carrier = open_wire(url, ClientSettings()).transport
        self.last = Request("GET", "/")

    def send(self, request: Request, *, timeout_seconds: float) -> Response:
        self.last = request
        return self._carrier.send(request, timeout_seconds=timeout_seconds)

    def close(self) -> None:
        self._carrier.close()


def recorded_request(url: str) -> Request:
    """The request, as it leaves the client, that asks about PATIENT."""
    recorder = _Recorder(url)
    with Client(url, transport=recorder) as client:
        client.predict(MODEL, PATIENT)
    return recorder.last


def measure_sync(bare: Ask, client: Ask, calls: int) -> CallCost:
    clocked = _Clocked(), _Clocked()
    for _ in range(max(1, calls // BLOCK_CALLS)):
        for ask, kept in zip((bare, client), clocked, strict=True):
            used = time.process_time()
            for _ in range(min(calls, BLOCK_CALLS)):
                started = time.perf_counter()
                ask()
                kept.seconds.append(time.perf_counter() - started)
            kept.cpu_seconds += time.process_time() - used
    return _cost(*clocked)


async def measure_async(bare: AskAsync, client: AskAsync, calls: int) -> CallCost:
    clocked = _Clocked(), _Clocked()
    for _ in range(max(1, calls // BLOCK_CALLS)):
        for ask, kept in zip((bare, client), clocked, strict=True):
            used = time.process_time()
            for _ in range(min(calls, BLOCK_CALLS)):
                started = time.perf_counter()
                await ask()
                kept.seconds.append(time.perf_counter() - started)
            kept.cpu_seconds += time.process_time() - used
    return _cost(*clocked)


def _cost(bare: _Clocked, client: _Clocked) -> CallCost:
    return CallCost(bare.median_ms(), client.median_ms(), bare.cpu_ms(), client.cpu_ms())


def rest_cost(url: str, calls: int) -> CallCost:
    request = recorded_request(url)
    target, headers = f"{url}{request.path}", dict(request.headers)
    with httpx2.Client() as http, Client(url) as client:

        def bare() -> bytes:
            return http.post(target, headers=headers, content=request.body, timeout=TIMEOUT_SECONDS).content

        return _warm_and_measure(bare, lambda: client.predict(MODEL, PATIENT), calls)


def grpc_cost(url: str, calls: int) -> CallCost:
    request = recorded_request(url)
    metadata = tuple(request.headers.items())
    with grpc.insecure_channel(url.removeprefix("grpc://")) as channel, Client(url) as client:
        call = channel.unary_unary(request.path)

        def bare() -> Any:
            return call(request.body, timeout=TIMEOUT_SECONDS, metadata=metadata)

        return _warm_and_measure(bare, lambda: client.predict(MODEL, PATIENT), calls)


def async_rest_cost(url: str, calls: int) -> CallCost:
    request = recorded_request(url)
    target, headers = f"{url}{request.path}", dict(request.headers)

    async def run() -> CallCost:
        async with httpx2.AsyncClient() as http, AsyncClient(url) as client:

            async def bare() -> object:
                answer = await http.post(target, headers=headers, content=request.body, timeout=TIMEOUT_SECONDS)
                return answer.content

            return await _warm_and_measure_async(bare, lambda: client.predict(MODEL, PATIENT), calls)

    return asyncio.run(run())


def async_grpc_cost(url: str, calls: int) -> CallCost:
    request = recorded_request(url)
    metadata = tuple(request.headers.items())

    async def run() -> CallCost:
        async with aio.insecure_channel(url.removeprefix("grpc://")) as channel, AsyncClient(url) as client:
            call = channel.unary_unary(request.path)

            async def bare() -> object:
                return await call(request.body, timeout=TIMEOUT_SECONDS, metadata=metadata)

            return await _warm_and_measure_async(bare, lambda: client.predict(MODEL, PATIENT), calls)

    return asyncio.run(run())


def _warm_and_measure(bare: Ask, client: Ask, calls: int) -> CallCost:
    measure_sync(bare, client, min(calls, BLOCK_CALLS))
    return measure_sync(bare, client, calls)


async def _warm_and_measure_async(bare: AskAsync, client: AskAsync, calls: int) -> CallCost:
    await measure_async(bare, client, min(calls, BLOCK_CALLS))
    return await measure_async(bare, client, calls)
