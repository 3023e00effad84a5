import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from serving.backends.prediction_log import LoggedPrediction, read_predictions
from serving.catalog import CatalogView, ModelEntry, Servable
from serving.contract.features import (
    CategoryFeature,
    Feature,
    ImageFeature,
    NumberFeature,
    TensorFeature,
    TextFeature,
)
from serving.contract.tensors import NUMPY_DTYPES, Array, Signature, TensorSpec
from serving.contract.tfrecord import tfrecord
from serving.errors import UnknownField, UnknownModel
from serving.model_server.recording import (
    MOST_WAITING_BYTES,
    MOST_WAITING_REQUESTS,
    RecordCounts,
    Recording,
    RecordOrder,
    check_redaction,
    redacted,
)
from serving.model_settings import NO_SETTINGS
from serving.model_store.label_following import Following
from serving.signature_plan import SignaturePlan, plans_of
from tests.doubles import doubles_manifest

X = {"x": np.array([1, 2], np.float32)}


def plan(model: str = "doubles", signature: str = "serving_default", **fields: Any) -> SignaturePlan:
    manifest = doubles_manifest(model=model, **fields)
    return plans_of(model, 3, manifest, {signature: manifest.signatures["serving_default"]}, NO_SETTINGS)[signature]


def recording(*chances: float, **order: Any) -> Recording:
    drawn: Iterator[float] = iter(chances)
    given = {"command": "record", "model": "doubles", **order}
    return Recording(RecordOrder.model_validate(given), lambda: next(drawn, 0.0))


def logs(of: Recording) -> list[LoggedPrediction]:
    data = []
    while (log := of.next_log()) is not None:
        data.append(tfrecord(log))
    return list(read_predictions(b"".join(data)))


def test_a_request_is_written_down_once_with_who_answered() -> None:
    taken = recording()
    taken.hear(plan(), X)
    (log,) = logs(taken)
    assert (log.model, log.signature, log.version) == ("doubles", "serving_default", 3)
    assert log.inputs["x"].tolist() == [1, 2]
    assert taken.counts() == RecordCounts(seen=1, sent=1)


def test_other_models_are_not_heard() -> None:
    taken = recording()
    taken.hear(plan("triples"), X)
    assert (logs(taken), taken.counts()) == ([], RecordCounts())


def test_only_the_fraction_is_taken() -> None:
    taken = recording(0.05, 0.1, 0.95, 0.0, fraction=0.1)
    for _ in range(4):
        taken.hear(plan(), X)
    assert len(logs(taken)) == 2
    assert taken.counts() == RecordCounts(seen=4, sent=2)


def test_what_finds_no_room_is_dropped_and_counted() -> None:
    taken = recording()
    for _ in range(MOST_WAITING_REQUESTS + 5):
        taken.hear(plan(), X)
    assert taken.counts() == RecordCounts(seen=MOST_WAITING_REQUESTS + 5, dropped=5)
    assert len(logs(taken)) == MOST_WAITING_REQUESTS
    taken.hear(plan(), X)
    assert len(logs(taken)) == 1


def test_waiting_bytes_are_bounded_too() -> None:
    taken, half = recording(), {"x": np.zeros(MOST_WAITING_BYTES // 8, np.float32)}
    for _ in range(3):
        taken.hear(plan(), half)
    assert taken.counts() == RecordCounts(seen=3, dropped=1)
    assert len(logs(taken)) == 2
    taken.hear(plan(), half)
    assert len(logs(taken)) == 1


def test_arrived_waits_for_a_request() -> None:
    async def run() -> list[bool]:
        taken = recording()
        waiting = asyncio.create_task(taken.arrived())
        await asyncio.sleep(0)
        before = waiting.done()
        taken.hear(plan(), X)
        await waiting
        return [before, waiting.done()]

    assert asyncio.run(run()) == [False, True]


def test_a_redacted_value_does_not_come_out() -> None:
    taken = recording(redact=("x",))
    taken.hear(plan(), X)
    (log,) = logs(taken)
    assert log.inputs["x"].tolist() == [0, 0]
    assert X["x"].tolist() == [1, 2]


def test_a_signature_without_the_redacted_field_is_left_out() -> None:
    taken = recording(redact=("x",))
    examples: Array = np.array([b"example with x in it"], object)
    taken.hear(plan(signature="classify"), {"inputs": examples})
    assert (logs(taken), taken.counts()) == ([], RecordCounts(seen=1, left_out=1))


def test_rows_of_different_lengths_are_filled_up_as_the_model_wants_them() -> None:
    ids = TensorFeature(name="ids", dtype="int64", shape=(None,), pad_value=0)
    mask = TensorFeature(name="mask", dtype="bool", shape=(None,), mask_of="ids")
    signature = Signature(
        (TensorSpec("ids", "int64", (None,)), TensorSpec("mask", "bool", (None,))),
        (TensorSpec("value", "float32", (1,)),),
    )
    rows: Array = np.empty(2, object)
    rows[:] = [np.array([7, 8, 9]), np.array([5])]
    taken = recording()
    taken.hear(plan(features=(ids, mask), signatures={"serving_default": signature}), {"ids": rows})
    (log,) = logs(taken)
    assert log.inputs["ids"].tolist() == [[7, 8, 9, 0], [5, 0, 0, 0]]
    assert log.inputs["mask"].tolist() == [[True, True, True, False], [True, False, False, False]]


@pytest.mark.parametrize(
    ("feature", "values", "emptied"),
    [
        (NumberFeature(name="x"), [1.5, 2], [0, 0]),
        (NumberFeature(name="x", range=(10, 100)), [50, 60], [10, 10]),
        (NumberFeature(name="x", range=(-10, -1)), [-5, -6], [-1, -1]),
        (NumberFeature(name="x", range=(-10, 10)), [-5, -6], [0, 0]),
        (NumberFeature(name="x", default=3), [1.5, 2], [3, 3]),
        (NumberFeature(name="x", optional=True), [1.5, 2], [np.nan, np.nan]),
        (NumberFeature(name="x", dtype="int64", default=3), [1, 2], [3, 3]),
        (CategoryFeature(name="x"), [b"a", b"b"], [b"", b""]),
        (CategoryFeature(name="x", default="none"), [b"a", b"b"], [b"none", b"none"]),
        (TextFeature(name="x"), [b"a text", b"another"], [b"", b""]),
        (ImageFeature(name="x", dtype="uint8", shape=(1, 2)), [[[1, 2]]], [[[0, 0]]]),
        (TensorFeature(name="x", dtype="int64", shape=(None,), pad_value=-1), [[1, 2]], [[-1, -1]]),
        (TensorFeature(name="x", dtype="string", shape=(None,), pad_value="-"), [[b"a", b"b"]], [[b"-", b"-"]]),
        (TensorFeature(name="x", dtype="bool", shape=(2,)), [[True, False]], [[False, False]]),
    ],
    ids=lambda value: value.kind if isinstance(value, NumberFeature | CategoryFeature) else None,
)
def test_redacting_keeps_dtype_and_shape(feature: Feature, values: list[Any], emptied: list[Any]) -> None:
    array = np.array(values, NUMPY_DTYPES[feature.dtype])
    after = redacted({"x": array, "y": array}, [feature], ["x"])
    assert after["x"].dtype == array.dtype
    np.testing.assert_array_equal(after["x"], np.array(emptied, array.dtype))
    assert after["y"] is array


def live(model: str = "doubles") -> CatalogView:
    manifest = doubles_manifest(model=model)
    servables: Mapping[int, Servable] = {1: Servable(model, 1, manifest, manifest.signatures)}
    return CatalogView({model: ModelEntry({}, servables, {}, Following({}, 1))})


def test_only_fields_that_a_live_version_has_can_be_redacted() -> None:
    check_redaction(live(), recording(redact=("x",)).order)
    with pytest.raises(UnknownField, match=r"cannot redact 'y': .*'doubles' has it; there are x"):
        check_redaction(live(), recording(redact=("x", "y")).order)
    with pytest.raises(UnknownModel):
        check_redaction(live("triples"), recording().order)
