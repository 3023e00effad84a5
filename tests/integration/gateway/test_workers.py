"""`penstock serve --workers 2` as real processes: one port, one set of figures, and a death that harms only its own."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from itertools import pairwise
from pathlib import Path

import grpc
import pytest

from serving.grpc import inference_pb2 as messages
from tests.doubles import doubles_manifest, publish_in_miniature
from tests.integration.gateway.worker_connections import (
    Connection,
    Connections,
    Scraped,
    scrape,
    scrapes_until,
    wait_for_end,
    worker_processes,
)
from tests.processes import STOP_SECONDS, GatewayProcess, StartGateway

CHANNELS = 40
"""The chance that all of them come to the same one of two workers is one in a million million."""


@pytest.fixture(scope="module")
def doubles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    models = tmp_path_factory.mktemp("doubles") / "models"
    publish_in_miniature(models, doubles_manifest())
    return models


@pytest.fixture
def two(start_gateway: StartGateway, doubles: Path) -> GatewayProcess:
    return start_gateway("--workers", "2", "--backend", "in_memory", "--models", str(doubles))


@pytest.fixture(scope="module")
def first(start_gateway_session: StartGateway, doubles: Path) -> GatewayProcess:
    """One for tests that only need its ports to be taken."""
    return start_gateway_session("--workers", "2", "--backend", "in_memory", "--models", str(doubles))


@pytest.fixture
def to(two: GatewayProcess) -> Iterator[Connections]:
    """Connections to that gateway."""
    opened = Connections(two)
    yield opened
    opened.close()


def requests_total(scraped: Scraped) -> float:
    return scraped.value("penstock_requests_total")


def test_whichever_worker_is_asked_tells_exactly_what_all_have_done(to: Connections) -> None:
    found = to.by_worker(each=2)
    for connection in (found[0] + found[1]) * 5:
        assert connection.predict() == 200
    asked = 6 * (len(found[0]) + len(found[1]))
    for worker in (0, 1):
        told = scrape(found[worker][0])
        assert requests_total(told) == asked
        assert told.value("penstock_predictions_rows_total") == asked
        assert told.value("penstock_request_duration_seconds_count") == asked
        assert told.value("penstock_workers") == 2
        assert {
            label for (name, labels) in told.samples for label in labels if name == "process_start_time_seconds"
        } == {
            ("worker", "0"),
            ("worker", "1"),
        }
        (stats,) = found[worker][1].get("/v2/models/doubles/stats")["model_stats"]
        assert (stats["inference_count"], stats["inference_stats"]["success"]["count"]) == (asked, asked)


def test_both_workers_answer_grpc_and_each_tells_the_sum(two: GatewayProcess, to: Connections) -> None:
    request = messages.ModelInferRequest(model_name="doubles")
    request.inputs.add(name="x", datatype="FP32", shape=[1]).contents.fp32_contents.append(1.0)
    channels = [
        grpc.insecure_channel(two.grpc_address, options=[("grpc.use_local_subchannel_pool", 1)])
        for _ in range(CHANNELS)
    ]
    for channel in channels:
        ask = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            request_serializer=messages.ModelInferRequest.SerializeToString,
            response_deserializer=messages.ModelInferResponse.FromString,
        )
        assert ask(request, timeout=60).model_name == "doubles"
    for channel in channels:
        statistics = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelStatistics",
            request_serializer=messages.ModelStatisticsRequest.SerializeToString,
            response_deserializer=messages.ModelStatisticsResponse.FromString,
        )
        (told,) = statistics(messages.ModelStatisticsRequest(name="doubles"), timeout=60).model_stats
        assert told.inference_count == CHANNELS
        channel.close()
    scraped = scrape(to.open())
    shares = [scraped.value("penstock_worker_requests_total", worker=worker) for worker in "01"]
    assert sum(shares) == CHANNELS
    assert min(shares) > 0


@dataclass
class Load:
    """Clients that ask on and on, each on a connection of its own; one that fails is opened anew."""

    to: Connections
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: Counter[int] = field(default_factory=Counter)
    """Of the worker whose connection it was, by its number; -1 for connections opened later."""
    ended: threading.Event = field(default_factory=threading.Event)
    answered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def ask_on(self, worker: int, connection: Connection) -> None:
        while not self.ended.is_set():
            try:
                self.outcomes[str(connection.predict())] += 1
                self.answered.release()
            except (OSError, HTTPException):
                self.failures[worker] += 1
                connection.close()
                worker, connection = -1, self.to.open()

    @contextmanager
    def going_on(self, found: Mapping[int, Sequence[Connection]]) -> Iterator[None]:
        """While the block lasts, a client for each of the connections."""
        with ThreadPoolExecutor(sum(map(len, found.values()))) as pool:
            asking = [pool.submit(self.ask_on, worker, each) for worker in found for each in found[worker]]
            try:
                yield
            finally:
                self.ended.set()
        for future in asking:
            future.result()

    def wait_for(self, answers: int) -> None:
        for _ in range(answers):
            assert self.answered.acquire(timeout=60)


def test_a_killed_worker_harms_only_its_own_requests_and_comes_back(two: GatewayProcess, to: Connections) -> None:
    found = to.by_worker(each=3)
    observer, load = found[0].pop(), Load(to)
    with load.going_on(found):
        load.wait_for(200)
        scrapes = [scrape(observer)]
        killed = worker_processes(two)[1]
        os.kill(killed, signal.SIGKILL)
        assert wait_for_end(killed, STOP_SECONDS)
        scrapes.append(scrape(observer))
        load.wait_for(200)
        scrapes += scrapes_until(observer, lambda now: now.value("penstock_worker_starts_total", worker="1") == 2)
    assert to.by_worker(each=1)
    scrapes.append(scrape(observer))
    assert load.outcomes.keys() == {"200"}
    assert load.failures[0] == 0
    assert load.failures[1] == len(found[1])
    assert two.process.poll() is None
    for earlier, later in pairwise(scrapes):
        backwards = {key for key, value in earlier.counters().items() if later.counters()[key] < value}
        assert backwards == set()


def test_what_was_counted_is_exact_after_a_worker_died(two: GatewayProcess, to: Connections) -> None:
    """Nothing is under way when it dies, so that not one request more or less may be counted."""
    found = to.by_worker(each=2)
    asked = len(found[0]) + len(found[1])
    killed = worker_processes(two)[1]
    os.kill(killed, signal.SIGKILL)
    assert wait_for_end(killed, STOP_SECONDS)
    survivor = found[0][0]
    assert requests_total(scrape(survivor)) == asked
    scrapes_until(survivor, lambda now: now.value("penstock_workers") == 2)
    again = to.by_worker(each=1)
    asked += len(again[0]) + len(again[1])
    assert [requests_total(scrape(c)) for c in (survivor, again[0][0], again[1][0])] == [asked] * 3


@pytest.mark.parametrize(("with_signal", "answers"), [(signal.SIGTERM, 200), (signal.SIGTERM, 2), (signal.SIGINT, 2)])
def test_stop_under_load_answers_everything_it_took(
    two: GatewayProcess, to: Connections, with_signal: signal.Signals, answers: int
) -> None:
    """After two answers, some of the connections are being accepted as the stop begins."""
    load = Load(to)
    processes = worker_processes(two)

    def ask_until_refused() -> Exception:
        connection = to.open()
        while True:
            try:
                status = connection.predict()
            except (OSError, HTTPException) as refused:
                return refused
            load.outcomes[str(status)] += 1
            load.answered.release()

    with ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(ask_until_refused) for _ in range(8)]
        load.wait_for(answers)
        assert two.stop(with_signal) == 0
        ends = {type(future.result()).__name__ for future in asking}
    assert load.outcomes.keys() == {"200"}
    # An idle kept-alive connection is closed under the next request, which was then never read: refused, not lost.
    assert ends <= {"RemoteDisconnected", "ConnectionRefusedError", "ConnectionResetError", "BrokenPipeError"}
    assert all(wait_for_end(process, STOP_SECONDS) for process in processes.values())


def test_workers_end_when_their_supervisor_is_killed(two: GatewayProcess) -> None:
    processes = worker_processes(two)
    assert sorted(processes) == [0, 1]
    two.stop(signal.SIGKILL)
    assert all(wait_for_end(process, STOP_SECONDS) for process in processes.values())


def test_a_worker_without_an_order_ends_by_itself() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = [sys.executable, "-m", "serving.workers.worker", str(theirs.fileno())]
        worker = subprocess.Popen(command, pass_fds=[theirs.fileno()], stderr=subprocess.PIPE)
    _, said = worker.communicate(timeout=60)
    assert (worker.returncode, said) == (1, b"")


def test_a_worker_that_is_asked_to_stop_is_replaced(two: GatewayProcess, to: Connections) -> None:
    stopped = worker_processes(two)[0]
    found = to.by_worker(each=1)
    os.kill(stopped, signal.SIGTERM)
    scrapes_until(found[1][0], lambda now: now.value("penstock_worker_starts_total", worker="0") == 2)
    assert to.by_worker(each=1)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("option", ["--port", "--grpc-port"])
def test_a_second_gateway_on_the_port_fails_in_one_clear_line(
    first: GatewayProcess, start_gateway: StartGateway, doubles: Path, option: str, workers: str
) -> None:
    port = (first.url if option == "--port" else first.grpc_address).rsplit(":", 1)[1]
    reason = f"cannot listen on 127.0.0.1:{port}: Address already in use; choose another with {option}"
    with pytest.raises(AssertionError, match=f"ended with 1: .*{reason}"):
        start_gateway("--workers", workers, "--backend", "in_memory", "--models", str(doubles), option, port)


def test_a_worker_that_cannot_start_ends_the_gateway_with_its_reason(
    start_gateway: StartGateway, tmp_path: Path
) -> None:
    publish_in_miniature(tmp_path, manifest := doubles_manifest())
    (tmp_path / manifest.model / "1" / "assets.extra" / "manifest.json").write_text("{")
    with pytest.raises(AssertionError, match=r"(?s)ended with 1: .*penstock serve: .*manifest"):
        start_gateway("--workers", "2", "--backend", "in_memory", "--models", str(tmp_path))
