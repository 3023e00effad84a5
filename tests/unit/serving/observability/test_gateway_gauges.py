"""The gauges of a gateway at work, against WIRE, section 5."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import pytest
from prometheus_client.metrics_core import Metric

from serving.backend_protocol import VersionState, VersionStatus
from serving.observability.board import ROW_BYTES, Board, Moment
from serving.observability.gateway_gauges import credential_gauge, model_gauges, moment_of, queue_gauges
from serving.observability.metrics import Gauges
from tests.unit.serving.batching.batcher_parts import GatedBackend, gateway
from tests.unit.serving.batching.event_loop import on_event_loop
from tests.unit.serving.observability.exposition import Scrape

VERSION = {"model_name", "model_version"}
LABELS = {
    "penstock_backend_up": {"backend"},
    "penstock_backend_replica_up": {"backend", "address"},
    "penstock_model_state": VERSION | {"state"},
    "penstock_model_info": VERSION | {"labels", "awaited_by"},
    "penstock_model_load_duration_seconds": VERSION,
    "penstock_model_warmup_duration_seconds": VERSION,
    "penstock_build_info": {"version"},
}
QUEUES = (
    "penstock_inflight_batches",
    "penstock_inflight_limit",
    "penstock_queue_rows",
    "penstock_queue_oldest_age_seconds",
)
LIVE = VersionStatus(VersionState.AVAILABLE, {}, load_seconds=0.5, warmup_seconds=0.25)
BROKEN = VersionStatus(VersionState.END, {}, error="no such file")


class Shelf(GatedBackend):
    """A backend with these versions of one model."""

    def __init__(self, versions: Mapping[int, VersionStatus]) -> None:
        super().__init__()
        self.versions = versions

    def status(self) -> Mapping[str, Mapping[int, VersionStatus]]:
        return {"digits": self.versions}

    def replicas(self) -> Mapping[str, bool]:
        return {"gpu-0:8500": True, "gpu-1:8500": False}


def scrape(
    versions: Mapping[int, VersionStatus],
    labels: Mapping[str, int] | None = None,
    moving: Mapping[str, int] | None = None,
) -> Scrape:
    backend = Shelf(versions)
    return read(lambda: model_gauges(backend, {"digits": labels or {}}, {"digits": moving or {}}))


def read(gauges: Callable[[], Sequence[Metric]]) -> Scrape:
    return Scrape(Gauges(gauges))


def test_names_and_labels_are_those_of_wire() -> None:
    assert scrape({3: LIVE}).labels() == LABELS


def test_sources_of_credentials_are_healthy_or_not() -> None:
    told = read(lambda: [credential_gauge({"keys": True, "tokens": False})])
    assert told.labels() == {"penstock_credentials_healthy": {"source"}}
    assert told.value("penstock_credentials_healthy", source="keys") == 1
    assert told.value("penstock_credentials_healthy", source="tokens") == 0


def test_a_version_is_in_exactly_one_state() -> None:
    states = [s for s in scrape({3: LIVE, 4: BROKEN}).samples if s.name == "penstock_model_state" and s.value]
    assert [(s.labels["model_version"], s.labels["state"]) for s in states] == [("3", "AVAILABLE"), ("4", "END")]


@pytest.mark.parametrize(("versions", "up"), [({3: LIVE, 4: BROKEN}, 1), ({4: BROKEN}, 0), ({}, 0)])
def test_the_backend_is_up_while_one_version_lives(versions: Mapping[int, VersionStatus], up: int) -> None:
    assert scrape(versions).value("penstock_backend_up", backend="gated") == up


def test_each_model_server_is_told_to_answer_or_not() -> None:
    told = scrape({3: LIVE})
    assert told.value("penstock_backend_replica_up", backend="gated", address="gpu-0:8500") == 1
    assert told.value("penstock_backend_replica_up", backend="gated", address="gpu-1:8500") == 0


def test_a_version_that_never_loaded_has_no_load_time() -> None:
    assert "penstock_model_load_duration_seconds" not in scrape({4: BROKEN}).labels()


def test_the_labels_that_point_at_a_version_are_told() -> None:
    told = scrape({3: LIVE, 4: LIVE}, {"stable": 3, "canary": 3})
    assert told.value("penstock_model_info", model_version="3", labels="canary,stable") == 1
    assert told.value("penstock_model_info", model_version="4", labels="") == 1


def test_a_label_that_waits_for_a_version_is_told_beside_those_that_answer() -> None:
    told = scrape({3: LIVE, 4: LIVE}, {"stable": 3}, {"stable": 4})
    assert told.value("penstock_model_info", model_version="3", labels="stable", awaited_by="") == 1
    assert told.value("penstock_model_info", model_version="4", labels="", awaited_by="stable") == 1


def boards(*moments: Moment) -> list[Board]:
    memory = memoryview(bytearray(len(moments) * ROW_BYTES))
    shared = [Board(memory, number) for number in range(len(moments))]
    for board, moment in zip(shared, moments, strict=True):
        board.begin(process=100 + board.number)
        board.show(moment)
    return shared


def test_queues_of_all_workers_add_up_and_the_oldest_age_is_the_oldest() -> None:
    for board in boards(Moment(1, 2, 5, 97.0), Moment(2, 2, 7, 99.0)):
        told = read(partial(queue_gauges, board, now=100.0))
        assert [told.value(name) for name in QUEUES] == [3, 4, 12, 3]


def test_nothing_waits_where_nothing_was_queued() -> None:
    (board,) = boards(Moment(0, 2, 0, 0.0))
    told = read(partial(queue_gauges, board, now=100.0))
    assert [told.value(name) for name in QUEUES] == [0, 2, 0, 0]


@on_event_loop
async def test_queue_and_slots_are_those_of_the_moment() -> None:
    backend = Shelf({3: LIVE})
    desk = gateway(backend, slots=1)
    callers = [asyncio.create_task(desk.ask(n, 4)) for n in range(3)]
    await backend.started.acquire()
    shown = moment_of(desk.batcher, time.monotonic())
    assert (shown.in_flight_batches, shown.in_flight_limit, shown.queue_rows) == (1, 1, 8)
    assert 0 < shown.waiting_since_seconds < time.monotonic()
    backend.gate.set()
    await asyncio.gather(*callers)
