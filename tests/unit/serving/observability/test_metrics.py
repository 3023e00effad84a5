"""The exposition against WIRE, section 5: names, labels, units, and counts that add up."""

import pytest

from serving.backend_protocol import Target
from serving.batching.events import QueueKey, RowSlice, SendBatch
from serving.observability.drift_cells import record
from serving.observability.families import (
    CACHE,
    DRIFT,
    DROPPED,
    LENGTH_PADDING,
    ROLLED_BACK,
    SHADOW,
    SHED,
    SIZES,
    VERSION,
)
from serving.observability.metrics import UNKNOWN, RequestMetrics, RequestSeries, Served
from tests.unit.serving.observability.exposition import Scrape
from tests.unit.serving.observability.workers import Workers


def digits(code: int | str = 200, protocol: str = "rest_v1") -> RequestSeries:
    return ("digits", "3", "serving_default", protocol, code)


REQUEST = {"model_name", "model_version", "signature", "protocol"}
MODEL = {"model_name", "model_version", "signature"}
HISTOGRAMS = {
    "penstock_request_duration_seconds": REQUEST,
    "penstock_decode_duration_seconds": REQUEST,
    "penstock_encode_duration_seconds": REQUEST,
    "penstock_queue_wait_seconds": MODEL,
    "penstock_backend_duration_seconds": MODEL,
    "penstock_batch_rows": MODEL,
}
COUNTERS = {
    "penstock_requests_total": REQUEST | {"code"},
    "penstock_rejected_total": {"model_name", "reason"},
    "penstock_predictions_rows_total": MODEL,
    "penstock_batch_padding_rows_total": MODEL,
    "penstock_shed_requests_total": MODEL | {"rule"},
    "penstock_cache_requests_total": {"model_name", "outcome"},
    "penstock_length_padding_values_total": {"model_name"},
    "penstock_non_finite_outputs_total": {"model_name", "model_version"},
    "penstock_traffic_requests_total": {"model_name", "model_version", "outcome"},
    "penstock_shadow_total": {"model_name", "model_version", "result"},
    "penstock_canary_rolled_back_total": {"model_name"},
    "penstock_observations_dropped_total": {"kind"},
}
GAUGES = {
    name: {"model_name", "model_version", "feature"}
    for name in ("penstock_feature_drift_psi", "penstock_feature_drift_rows")
}


def batch(*rows: int, padding: int = 0) -> SendBatch:
    slices = tuple(RowSlice(request, 0, count) for request, count in enumerate(rows))
    return SendBatch(
        1,
        QueueKey(Target("digits", 3, "serving_default"), ()),
        slices,
        deadline_seconds=9.0,
        padded_rows=sum(rows) + padding,
        rows=sum(rows),
    )


def busy() -> RequestMetrics:
    """Metrics in which everything has happened at least once."""
    metrics = RequestMetrics()
    metrics.request_finished(digits(), 0.003, 0.001, 0.0005)
    metrics.request_finished(digits(), 0.03, 0.001, 0.0005)
    metrics.request_finished(digits(503), 0.0001)
    metrics.request_rejected("digits", "Overloaded")
    metrics.non_finite_output("digits", "3")
    metrics.batch_finished(batch(2, 3), 0.002, [0.0, 0.004])
    metrics.so_far(SHED, {("digits", "3", "serving_default", "expired"): 1})
    metrics.so_far(CACHE, {("digits", "hit"): 1})
    metrics.so_far(LENGTH_PADDING, {("digits",): 1})
    metrics.ledger.own.slot((VERSION, "digits", "3", ""), SIZES[VERSION])
    metrics.so_far(SHADOW, {("digits", "3", "same"): 1})
    metrics.so_far(ROLLED_BACK, {("digits", "3"): 1})
    metrics.so_far(DROPPED, {("access_log",): 1})
    cells, at = metrics.ledger.own.slot((DRIFT, "digits", "3", "image"), SIZES[DRIFT])
    for place, value in enumerate(record([450, 50], [50, 50], 500)):
        cells[at + place] = value
    metrics.version_arrived("digits", "3", 4.0)
    return metrics


@pytest.mark.parametrize(("name", "labels"), COUNTERS.items())
def test_counters_have_the_names_and_labels_of_wire(name: str, labels: set[str]) -> None:
    assert Scrape(busy()).labels()[name] == labels


@pytest.mark.parametrize(("name", "labels"), GAUGES.items())
def test_gauges_have_the_names_and_labels_of_wire(name: str, labels: set[str]) -> None:
    assert Scrape(busy()).labels()[name] == labels


@pytest.mark.parametrize(("name", "labels"), HISTOGRAMS.items())
def test_histograms_have_the_names_and_labels_of_wire(name: str, labels: set[str]) -> None:
    exposed = Scrape(busy()).labels()
    assert [exposed[f"{name}_{part}"] for part in ("bucket", "count", "sum")] == [labels] * 3


def test_nothing_else_is_exposed() -> None:
    names = {family.name for family in Scrape(busy()).families}
    counted = {name.removesuffix("_total") for name in COUNTERS} | HISTOGRAMS.keys() | GAUGES.keys()
    assert names == counted | {"penstock_model_created_to_live_seconds"}


def test_requests_are_counted_by_their_code() -> None:
    scrape = Scrape(busy())
    assert scrape.value("penstock_requests_total", code="200") == 2
    assert scrape.value("penstock_requests_total", code="503") == 1


def test_a_stage_that_was_never_reached_is_not_timed() -> None:
    scrape = Scrape(busy())
    assert scrape.value("penstock_request_duration_seconds_count") == 3
    assert scrape.value("penstock_decode_duration_seconds_count") == 2


def test_durations_fall_into_cumulative_buckets() -> None:
    scrape = Scrape(busy())
    buckets = [
        scrape.value("penstock_request_duration_seconds_bucket", le=le) for le in ("0.0001", "0.005", "0.05", "+Inf")
    ]
    assert buckets == [1, 2, 3, 3]
    assert scrape.value("penstock_request_duration_seconds_sum") == pytest.approx(0.0331)


def test_a_batch_counts_its_rows_once_and_its_requests_waits_each() -> None:
    scrape = Scrape(busy())
    assert scrape.value("penstock_predictions_rows_total", model_version="3") == 5
    assert scrape.value("penstock_batch_rows_bucket", le="4.0") == 0
    assert scrape.value("penstock_batch_rows_bucket", le="8.0") == 1
    assert scrape.value("penstock_queue_wait_seconds_count") == 2
    assert scrape.value("penstock_backend_duration_seconds_count") == 1


def test_unknown_models_are_counted_under_one_name() -> None:
    metrics = RequestMetrics()
    metrics.request_finished((UNKNOWN, "", "", "rest_v1", 404), 0.001)
    metrics.request_rejected(UNKNOWN, "UnknownModel")
    scrape = Scrape(metrics)
    assert scrape.value("penstock_requests_total", model_name="_unknown", code="404") == 1
    assert scrape.value("penstock_rejected_total", model_name="_unknown", reason="UnknownModel") == 1


def test_a_fresh_gateway_exposes_no_samples() -> None:
    assert Scrape(RequestMetrics()).samples == []


def test_what_a_version_served_adds_up_over_protocols() -> None:
    metrics = RequestMetrics()
    for protocol, code in (("rest_v1", 200), ("grpc_v2", "OK"), ("grpc_v2", "INTERNAL")):
        metrics.request_finished(digits(code, protocol), 0.5)
    assert metrics.served("digits", "3") == Served(0, 2, 1.5, (0, 0), (0, 0))
    assert metrics.served("digits", "4") == Served(0, 0, 0, (0, 0), (0, 0))


def test_padding_is_counted_apart_from_rows() -> None:
    metrics = RequestMetrics()
    for padding in (0, 3, 8):
        metrics.batch_finished(batch(2, 3, padding=padding), 0.002, [0.0, 0.0])
    assert Scrape(metrics).value("penstock_batch_padding_rows_total") == 11
    assert Scrape(metrics).value("penstock_predictions_rows_total") == 15


def test_what_is_counted_elsewhere_is_counted_once_however_often_it_is_told(workers: Workers) -> None:
    first, second = (RequestMetrics(workers.begin(number)) for number in range(2))
    key = ("digits", "3", "serving_default", "too_late")
    for total in (1, 1, 4):
        first.so_far(SHED, {key: total})
    second.so_far(SHED, {key: 2})
    RequestMetrics(workers.begin(0)).so_far(SHED, {key: 5})
    assert Scrape(second).value("penstock_shed_requests_total", rule="too_late") == 11


def test_whichever_worker_is_asked_tells_of_all(workers: Workers) -> None:
    metrics = [RequestMetrics(workers.begin(number)) for number in range(2)]
    for number, counting in enumerate(metrics):
        for _ in range(3 + number):
            counting.request_finished(digits(), 0.003, 0.001, 0.0005)
            counting.batch_finished(batch(2), 0.002, [0.001])
        counting.request_rejected("digits", "Overloaded")
    told = [Scrape(counting) for counting in metrics]
    assert told[0].samples == told[1].samples
    assert told[0].value("penstock_requests_total") == 7
    assert told[0].value("penstock_encode_duration_seconds_sum") == pytest.approx(0.0035)
    assert told[0].value("penstock_rejected_total") == 2
    assert metrics[0].served("digits", "3") == metrics[1].served("digits", "3")
    assert metrics[0].served("digits", "3").rows == 14


def test_a_worker_that_is_started_again_goes_on_counting(workers: Workers) -> None:
    for _ in range(2):
        RequestMetrics(workers.begin(0)).request_finished(digits(), 0.003)
    assert Scrape(RequestMetrics(workers.begin(1))).value("penstock_requests_total") == 2
