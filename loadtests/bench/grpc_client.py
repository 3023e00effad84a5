"""What a call of `Client` costs over gRPC beside grpcio alone with the same bytes, turn about on one gateway."""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import grpc
from penstock_client import Client
from penstock_client.grpc_transport import GrpcTransport
from penstock_client.messages import Request, Response
from penstock_client.settings import ClientSettings

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Block:
    """Of as many calls, one after the other, each call's share."""

    wall_seconds: float
    cpu_seconds: float
    """Of this process, the threads of gRPC included; the gateway is another."""


@dataclass(frozen=True, slots=True)
class Overhead:
    """Blocks of both in the order they were run; `client[n]` and `bare[n]` are neighbours."""

    client: tuple[Block, ...]
    bare: tuple[Block, ...]

    @property
    def wall_seconds(self) -> float:
        """What `Client` adds to a call: the median over neighbours."""
        return statistics.median(one.wall_seconds - other.wall_seconds for one, other in self._pairs())

    @property
    def cpu_seconds(self) -> float:
        return statistics.median(one.cpu_seconds - other.cpu_seconds for one, other in self._pairs())

    def _pairs(self) -> Iterator[tuple[Block, Block]]:
        return zip(self.client, self.bare, strict=True)


def grpc_client_overhead(address: str, model: str, inputs: object, *, rounds: int = 30, calls: int = 200) -> Overhead:
    """`address` is a gateway's gRPC host and port. `Client` makes its request anew each time and reads the answer."""
    url = f"grpc://{address}"
    request = _request_of(url, model, inputs)
    metadata = tuple(request.headers.items())
    with Client(url, timeout_seconds=TIMEOUT_SECONDS) as client, grpc.insecure_channel(address) as channel:
        ask = channel.unary_unary(request.path)

        def by_client() -> object:
            return client.predict(model, inputs)

        def by_grpcio() -> object:
            return ask(request.body, timeout=TIMEOUT_SECONDS, metadata=metadata)

        for warming in (by_client, by_grpcio):
            _timed(warming, calls)
        pairs = [(_timed(by_client, calls), _timed(by_grpcio, calls)) for _ in range(rounds)]
    return Overhead(tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs))


def _timed(call: Callable[[], object], calls: int) -> Block:
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(calls):
        call()
    return Block((time.perf_counter() - wall) / calls, (time.process_time() - cpu) / calls)


class _Kept:
    """A transport that keeps the last request."""

    def __init__(self, inner: GrpcTransport) -> None:
        self._inner = inner
        self.request = Request("POST", "/")

    def send(self, request: Request, *, timeout_seconds: float) -> Response:
        self.request = request
        return self._inner.send(request, timeout_seconds=timeout_seconds)

    def close(self) -> None:
        self._inner.close()


def _request_of(url: str, model: str, inputs: object) -> Request:
    kept = _Kept(GrpcTransport(url, ClientSettings()))
    with Client(url, transport=kept) as client:
        client.predict(model, inputs)
    return kept.request
