"""Figures that each worker has for itself: labelled by its number, told by whichever is asked."""

from serving.observability.ledger import forget_moment
from serving.observability.metrics import RequestMetrics
from serving.observability.worker_figures import WorkerFigures
from tests.unit.serving.observability.exposition import Scrape
from tests.unit.serving.observability.workers import Workers

PER_PROCESS = {
    "process_resident_memory_bytes",
    "process_virtual_memory_bytes",
    "process_start_time_seconds",
    "process_cpu_seconds_total",
    "process_open_fds",
    "process_max_fds",
}
PER_GENERATION = {
    "python_gc_collections_total",
    "python_gc_objects_collected_total",
    "python_gc_objects_uncollectable_total",
}
PER_WORKER = {"penstock_worker_starts_total", "penstock_worker_requests_total"}


def test_a_gateway_of_one_process_is_worker_0() -> None:
    labels = Scrape(WorkerFigures(RequestMetrics().ledger)).labels()
    assert labels == {
        "penstock_workers": set(),
        **{name: {"worker"} for name in PER_PROCESS | PER_WORKER},
        **{name: {"worker", "generation"} for name in PER_GENERATION},
    }


def test_each_worker_has_its_own_figures(workers: Workers) -> None:
    for number in range(2):
        RequestMetrics(workers.begin(number)).request_finished(("m", "1", "s", "rest_v1", 200), 0.1)
    told = Scrape(WorkerFigures(workers.begin(1)))
    assert told.value("penstock_workers") == 2
    assert [told.value("penstock_worker_requests_total", worker=w) for w in "01"] == [1, 1]
    assert [told.value("penstock_worker_starts_total", worker=w) for w in "01"] == [1, 2]
    assert [told.value("process_resident_memory_bytes", worker=w) > 0 for w in "01"] == [True, True]


def test_a_dead_worker_has_starts_and_requests_and_no_process(workers: Workers) -> None:
    RequestMetrics(workers.begin(0)).request_finished(("m", "1", "s", "rest_v1", 200), 0.1)
    survivor = workers.begin(1)
    forget_moment(workers.files, 0)
    told = Scrape(WorkerFigures(survivor))
    assert told.value("penstock_workers") == 1
    assert told.value("penstock_worker_requests_total", worker="0") == 1
    assert {s.labels["worker"] for s in told.samples if s.name.startswith("process_")} == {"1"}
