"""What the console draws, out of the counts of all workers and the catalog's view."""

import json
from typing import Any

import pytest

from serving.backend_protocol import Target, VersionState, VersionStatus
from serving.batching.events import QueueKey, RowSlice, SendBatch
from serving.catalog import CatalogView, ModelEntry, Servable
from serving.model_store.label_following import Following
from serving.model_store.traffic import Traffic
from serving.observability import drift_cells
from serving.observability.board import Moment
from serving.observability.families import DRIFT, summed
from serving.observability.metrics import UNKNOWN, RequestMetrics
from serving.rest.console_figures import ConsoleFacts, console_figures

ASKED = ("digits", "3", "serving_default", "rest_v1")


def busy() -> RequestMetrics:
    """Three answers, one of them over gRPC, a refusal, a stranger, and a batch of five rows for two requests."""
    metrics = RequestMetrics()
    metrics.request_finished((*ASKED, 200), 0.003, 0.001, 0.0005)
    metrics.request_finished((*ASKED, 200), 20.0, 0.001, 0.0005)
    metrics.request_finished(("digits", "4", "serving_default", "grpc_tfs", "OK"), 0.003, 0.001, 0.0005)
    metrics.request_finished((*ASKED, 400), 0.0001)
    metrics.request_finished((UNKNOWN, "", "", "rest_v1", 404), 0.0001)
    metrics.request_rejected("digits", "WrongShape")
    slices = (RowSlice(1, 0, 2), RowSlice(2, 0, 3))
    key = QueueKey(Target("digits", 3, "serving_default"), ())
    metrics.batch_finished(SendBatch(1, key, slices, deadline_seconds=9.0, padded_rows=8, rows=5), 0.002, [0.1, 0.2])
    return metrics


def view() -> CatalogView:
    statuses = {
        3: VersionStatus(VersionState.AVAILABLE, {}),
        4: VersionStatus(VersionState.END, {}, error="no graph"),
    }
    servable = Servable("digits", 3, None, {})
    following = Following({"stable": 3}, 3)
    return CatalogView(
        {
            "digits": ModelEntry(
                statuses, {3: servable}, {"stable": 3, "canary": 4}, following, Traffic(split={"stable": 1})
            )
        }
    )


def figures(metrics: RequestMetrics | None = None, moments: tuple[Moment, ...] = ()) -> dict[str, Any]:
    sums = summed((metrics or busy()).ledger.read())
    return console_figures(ConsoleFacts(view(), "embedded", sums, moments, 100.0, "1.2", {("digits", 3)}))


def digits() -> Any:
    [model] = figures()["models"]
    return model


def test_document_is_json() -> None:
    assert json.loads(json.dumps(figures()))["version"] == "1.2"


def test_requests_are_counted_by_code_over_all_versions_and_protocols() -> None:
    assert digits()["requests"] == {"200": 2, "400": 1, "OK": 1}
    assert digits()["refused"] == {"WrongShape": 1}


def test_a_stranger_counts_for_no_model() -> None:
    assert figures()["unknown_model_requests"] == 1


def test_latencies_have_a_count_for_each_bucket_and_one_for_what_is_over_them_all() -> None:
    latency = digits()["latency"]
    assert len(latency["counts"]) == len(latency["bounds_seconds"]) + 1
    assert sum(latency["counts"]) == 4
    assert latency["counts"][-1] == 1  # the answer that took 20 s
    assert latency["counts"][latency["bounds_seconds"].index(0.005)] == 2


def test_parts_say_where_the_time_went() -> None:
    parts = digits()["parts"]
    assert parts["decode"] == {"seconds": 0.003, "count": 3}
    assert parts["backend"] == {"seconds": 0.002, "count": 1}
    assert parts["queue"]["count"] == 2
    assert round(parts["queue"]["seconds"], 6) == 0.3


def test_rows_and_batches_are_counted() -> None:
    model = digits()
    assert model["rows"] == 5
    assert model["batch_rows"]["counts"][model["batch_rows"]["bounds"].index(8)] == 1


def test_versions_say_their_state_their_fault_and_whether_there_is_a_report() -> None:
    third, fourth = digits()["versions"]
    assert (third["state"], third["is_live"], third["has_report"], third["requests"]) == ("AVAILABLE", True, True, 3)
    assert (fourth["state"], fourth["is_live"], fourth["error"], fourth["has_report"]) == (
        "END",
        False,
        "no graph",
        False,
    )


def test_labels_say_where_they_answer_and_which_wait() -> None:
    model = digits()
    assert (model["labels"], model["moving"], model["split"]) == ({"stable": 3}, {"canary": 4}, {"stable": 1})
    assert model["answering_version"] == 3


def test_drift_is_told_where_enough_rows_were_sampled() -> None:
    metrics = busy()
    for feature, rows in (("image", 600), ("rare", 4)):
        cells, at = metrics.ledger.own.slot((DRIFT, "digits", "3", feature), drift_cells.SIZE)
        for place, value in enumerate(drift_cells.record([rows / 2, rows / 2], [500, 500], rows)):
            cells[at + place] = value
    [model] = figures(metrics)["models"]
    assert model["drift"] == {"3": {"image": {"psi": pytest.approx(0.0), "rows": 600}}}


def test_queue_is_that_of_all_workers_and_as_old_as_the_oldest() -> None:
    moments = (Moment(1, 2, 5, 99.0), Moment(0, 2, 7, 98.5), Moment(0, 1, 0, 0.0))
    document = figures(moments=moments)
    assert document["queue"] == {"rows": 12, "oldest_age_seconds": 1.5}
    assert (document["in_flight_batches"], document["in_flight_limit"]) == (1, 5)


def test_gateway_that_nobody_asked_has_zeros() -> None:
    [model] = figures(RequestMetrics())["models"]
    assert model["requests"] == {}
    assert set(model["latency"]["counts"]) == {0}
    assert figures(RequestMetrics())["backend"] == {"name": "embedded", "up": True}
