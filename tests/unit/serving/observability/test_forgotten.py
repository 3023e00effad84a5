"""What a process counted of versions that have gone is given up, so that it does not grow with each that there was."""

from serving.observability.cells import REST_SECONDS, Key
from serving.observability.families import SHED
from serving.observability.metrics import RequestMetrics
from serving.observability.worker_figures import WorkerFigures
from tests.unit.serving.observability.exposition import Scrape
from tests.unit.serving.observability.test_metrics import batch
from tests.unit.serving.observability.workers import Workers

FIRST, SECOND = ("digits", "3"), ("digits", "4")


def counting(metrics: RequestMetrics, version: str, requests: int = 1) -> RequestMetrics:
    for _ in range(requests):
        metrics.request_finished(("digits", version, "serving_default", "rest_v1", 200), 0.01)
    metrics.version_arrived("digits", version, 1.0)
    return metrics


def told(metrics: RequestMetrics) -> dict[str, float]:
    """Requests by version."""
    samples = [one for one in Scrape(metrics).samples if one.name == "penstock_requests_total"]
    return {one.labels["model_version"]: one.value for one in samples}


def answered(metrics: RequestMetrics) -> float:
    return Scrape(WorkerFigures(metrics.ledger)).value("penstock_worker_requests_total", worker="0")


def test_nothing_is_told_of_it_but_that_the_worker_answered() -> None:
    metrics = counting(counting(RequestMetrics(), "3", 5), "4", 2)
    metrics.batch_finished(batch(2), 0.002, [0.0])
    metrics.request_finished(("_unknown", "", "", "rest_v1", 404), 0.01)
    assert metrics.versions() == {FIRST, SECOND, ("_unknown", "")}
    metrics.forget({FIRST}, 0.0)
    assert metrics.versions() == {SECOND, ("_unknown", "")}
    assert told(metrics) == {"4": 2, "": 1}
    assert {one.labels.get("model_version") for one in Scrape(metrics).samples} <= {"4", "", None}
    assert answered(metrics) == 8


def test_one_that_comes_back_begins_anew() -> None:
    metrics = counting(RequestMetrics(), "3", 5)
    metrics.batch_finished(batch(2), 0.002, [0.0])
    metrics.forget({FIRST}, 0.0)
    counting(metrics, "3", 2)
    metrics.batch_finished(batch(3), 0.002, [0.0])
    assert told(metrics) == {"3": 2}
    assert Scrape(metrics).value("penstock_predictions_rows_total") == 3
    assert answered(metrics) == 7


def test_what_others_count_begins_anew_once_they_leave_it_out() -> None:
    metrics = RequestMetrics()
    shed: dict[Key, int] = {("digits", "3", "serving_default", "expired"): 5}
    metrics.so_far(SHED, shed)
    metrics.forget({FIRST}, 0.0)
    metrics.so_far(SHED, shed)
    assert metrics.versions() == set()
    metrics.so_far(SHED, {})
    metrics.so_far(SHED, {("digits", "3", "serving_default", "expired"): 2})
    assert Scrape(metrics).value("penstock_shed_requests_total") == 2


def test_another_worker_hears_of_it_and_one_that_is_started_again_goes_on(workers: Workers) -> None:
    first, second = (counting(RequestMetrics(workers.begin(number)), "3", 5) for number in range(2))
    counting(first, "4")
    first.forget({FIRST}, 0.0)
    assert told(second) == {"3": 5, "4": 1}
    again = counting(RequestMetrics(workers.begin(0)), "4")
    second.forget({FIRST}, 0.0)
    assert told(again) == told(second) == {"4": 2}
    assert answered(second) == 7


def test_two_hundred_versions_one_after_another_take_no_more_room_than_ten() -> None:
    metrics, chunks = RequestMetrics(), []
    for version in range(200):
        counting(metrics, str(version))
        metrics.forget({("digits", str(version - 1))}, version * REST_SECONDS)
        chunks.append(len(metrics.ledger.own.chunks))
    assert chunks[-1] == chunks[9] == 1
    assert len(Scrape(metrics).samples) < 100
    assert answered(metrics) == 200
