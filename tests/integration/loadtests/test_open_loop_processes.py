"""The generator in processes of its own against real servers: one that freezes, one over gRPC, one that is away."""

import asyncio
import socket
import threading
from collections.abc import Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager

import grpc
import numpy as np
import pytest

from loadtests.arrivals import Phase, poisson_arrivals, steady_arrivals
from loadtests.latencies import Latencies
from loadtests.open_loop import Load, Progress
from loadtests.open_loop_tally import Judge, Tally
from loadtests.open_loop_workers import Order, run_order
from loadtests.wire import GRPC_STATUS, WireRequest

ASK = WireRequest(b"POST /predict HTTP/1.1\r\nhost: here\r\ncontent-length: 0\r\n\r\n")
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
FREEZE_SECONDS, PERIOD_SECONDS = 0.2, 1.0
METHOD = "/tensorflow.serving.PredictionService/Predict"


class _Answering(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(OK * data.count(b"POST "))


@contextmanager
def http_server(*, freezes: bool = False) -> Iterator[str]:
    """The URL of a server that answers at once, but for a part of every period in which its whole loop stands still."""
    loop, never = asyncio.new_event_loop(), threading.Event()

    def freeze() -> None:
        never.wait(FREEZE_SECONDS)
        loop.call_later(PERIOD_SECONDS - FREEZE_SECONDS, freeze)

    server = loop.run_until_complete(loop.create_server(_Answering, "127.0.0.1", 0))
    if freezes:
        loop.call_later(PERIOD_SECONDS - FREEZE_SECONDS, freeze)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    server.close()
    loop.close()


@contextmanager
def grpc_server() -> Iterator[str]:
    """The address of a server that answers the message back, and refuses an empty one."""

    def predict(message: bytes, context: grpc.ServicerContext) -> bytes:
        if not message:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "empty")
        return message

    handlers = {"Predict": grpc.unary_unary_rpc_method_handler(predict)}
    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("tensorflow.serving.PredictionService", handlers)]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait(30)


def percentile(histogram: str, percent: float) -> float:
    return Latencies.decoded(histogram).percentile_seconds(percent)


def run(url: str, rate: float, seconds: float, *, connections: int = 8, processes: int = 1) -> Tally:
    load = Load([ASK], poisson_arrivals([Phase(rate, seconds)], 1), connections, 30.0)
    return run_order(Order("rest", url, load, Judge((200,))), processes)


def test_a_server_that_freezes_shows_it_where_a_closed_loop_hides_it() -> None:
    with http_server(freezes=True) as url:
        found = run(url, 200.0, 3.0, connections=1)
    assert found.good == found.sent
    assert percentile(found.latency, 99) >= FREEZE_SECONDS / 2  # a fifth of the moments fall into a freeze
    assert percentile(found.latency_from_sent, 50) < FREEZE_SECONDS / 2  # one of every 200 was sent into one
    assert found.waited > found.sent / 10


def test_processes_share_the_arrivals_and_their_histograms_are_one() -> None:
    told: list[int] = []

    def watch(progress: Sequence[Progress]) -> None:
        told.append(sum(each.ended for each in progress))

    due = steady_arrivals([Phase(100.0, 1.5)])
    with http_server() as url:
        order = Order("rest", url, Load([ASK], due, 4, 30.0), Judge((200,)))
        found = run_order(order, 2, watch=watch)
    assert (found.sent, found.good, found.statuses) == (150, 150, {200: 150})
    assert Latencies.decoded(found.latency).count == Latencies.decoded(found.lateness).count == 150
    assert [second.sent for _, second in sorted(found.seconds.items())] == [100, 50]
    assert told[0] > 0


def test_grpc_calls_have_their_codes() -> None:
    requests = [WireRequest(b"rows", METHOD), WireRequest(b"", METHOD), WireRequest(b"rows", METHOD)]
    ok, refused = GRPC_STATUS, GRPC_STATUS + grpc.StatusCode.INVALID_ARGUMENT.value[0]
    with grpc_server() as address:
        load = Load(requests, steady_arrivals([Phase(100.0, 0.3)]), 10, 30.0)
        found = run_order(Order("grpc", address, load, Judge((ok, refused, ok))), 2)
    assert found.statuses == {ok: 20, refused: 10}
    assert (found.sent, found.good) == (30, 30)


def test_a_server_that_is_not_there_is_told_at_once() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match=str(port := nobody.getsockname()[1])):
            run(f"http://127.0.0.1:{port}", 10.0, 1.0)


def test_a_url_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="https"):
        run("https://127.0.0.1:1", 10.0, 1.0)


def test_a_connection_that_breaks_is_replaced_and_the_run_goes_on() -> None:
    breaks = iter([False, True, *[False] * 100])

    class Breaking(_Answering):
        def data_received(self, data: bytes) -> None:
            if next(breaks):
                self._transport.abort()
            else:
                super().data_received(data)

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(Breaking, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    found = run_order(
        Order("rest", url, Load([ASK], np.arange(20, dtype=np.float64) * 0.01, 1, 30.0), Judge((200,))), 1
    )
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    server.close()
    loop.close()
    assert found.statuses == {0: 1, 200: 19}
    assert found.losses == {"the connection broke": 1}
