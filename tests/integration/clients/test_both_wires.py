"""The same questions over REST and over gRPC have the same answers, from a real gateway with trained models."""

import io
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pytest
from penstock_client import Client, PenstockError, Prediction
from PIL import Image

from tests.integration.clients.kinds import KINDS, Awaited
from tests.processes import GatewayProcess

Record: TypeAlias = dict[str, Any]
Ask: TypeAlias = Callable[[Any, Record], Any]


@pytest.fixture(scope="module")
def rest(gateway: GatewayProcess) -> Iterator[Client]:
    with Client(gateway.url) as client:
        yield client


@pytest.fixture(scope="module", params=sorted(KINDS))
def over_grpc(gateway: GatewayProcess, request: pytest.FixtureRequest) -> Iterator[Client | Awaited]:
    with KINDS[request.param](f"grpc://{gateway.grpc_address}") as client:
        yield client


@pytest.fixture(scope="module")
def pixels(rest: Client) -> Any:
    return rest.metadata("digits").manifest["golden_examples"][0]["instance"]


@pytest.fixture(scope="module")
def record(rest: Client) -> Any:
    return rest.metadata("diabetes").manifest["golden_examples"][0]["instance"]


def png(pixels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray((np.array(pixels) * 15.9375).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


IMAGES: dict[str, Callable[[Any], Any]] = {
    "lists": lambda pixels: pixels,
    "many lists": lambda pixels: [pixels, pixels],
    "an array": np.array,
    "an array of many": lambda pixels: np.array([pixels] * 3, np.float32),
    "integers": lambda pixels: np.array([pixels], np.uint8),
    "a list of arrays": lambda pixels: [np.array(pixels), np.array(pixels)],
    "a record": lambda pixels: {"image": pixels},
    "a picture": png,
    "many pictures": lambda pixels: [png(pixels), Image.open(io.BytesIO(png(pixels)))],
    "no rows": lambda _: [],
    "a bad picture": lambda pixels: [png(pixels), b"no picture"],
    "a row too few": lambda pixels: [pixels, pixels[:7]],
    "too large a number": lambda pixels: np.array([pixels]) * 100,
    "strings": lambda _: [[["a"] * 8] * 8],
    "NaN": lambda pixels: np.array(pixels) * np.nan,
}
RECORDS: dict[str, Callable[[Record], Any]] = {
    "a record": lambda record: record,
    "many records": lambda record: [record, {**record, "bmi": 20}],
    "numbers of NumPy's": lambda record: {name: np.float32(value) for name, value in record.items()},
    "a string": lambda record: [record, {**record, "age": "old"}],
    "a boolean": lambda record: {**record, "age": True},
    "a list": lambda record: {**record, "age": [1]},
    "out of range": lambda record: [record, {**record, "age": 500}],
    "too large": lambda record: {**record, "age": 1e300},
    "a name nobody has": lambda record: [record, {**record, "agee": 1}],
    "a value less": lambda record: {name: value for name, value in record.items() if name != "bmi"},
    "a value less in one row": lambda record: [record, {**record, "bmi": None}],
    "nothing": lambda _: {},
    "no record": lambda _: [1, 2],
    "an array": lambda record: np.array([list(record.values()), [*record.values()]]),
    "a list of arrays": lambda record: [np.array(list(record.values()))] * 2,
    "an array out of range": lambda record: np.array([list(record.values()), [500] * 10]),
    "one row as an array": lambda record: np.array(list(record.values())),
    "a frame": lambda record: pd.DataFrame([record, {**record, "bmi": 20}]),
    "a frame with a gap": lambda record: pd.DataFrame([record, {**record, "bmi": None}]),
    "a series": pd.Series,
    "an array too narrow": lambda record: np.array([list(record.values())[:9]]),
}


def check(one: Client | Awaited, other: Client | Awaited, model: str, inputs: Any, **options: Any) -> None:
    """That both say the same, ids and times aside, be it an error."""
    (facts, numbers), (expected, close) = (outcome(each, model, inputs, **options) for each in (one, other))
    assert facts == expected
    assert numbers == pytest.approx(close, rel=1e-5, abs=1e-7)


def outcome(client: Client | Awaited, model: str, inputs: Any, **options: Any) -> tuple[Any, list[float]]:
    try:
        answer = client.predict(model, inputs, **options)
    except PenstockError as error:
        return (type(error), error.field), []
    predictions = [answer] if isinstance(answer, Prediction) else list(answer)
    assert all(each.request_id for each in predictions)
    numbers = [
        [*each.probabilities.values(), *([each.value] if each.value is not None else [])] for each in predictions
    ]
    return (type(answer), list(map(facts_of, predictions))), [number for row in numbers for number in row]


def facts_of(prediction: Prediction) -> Any:
    return (
        prediction.label,
        tuple(prediction.probabilities),
        prediction.version,
        prediction.unit,
        prediction.target,
        tuple(prediction.outputs),
    )


@pytest.mark.parametrize("form", IMAGES)
def test_images(rest: Client, over_grpc: Client | Awaited, pixels: Any, form: str) -> None:
    inputs = IMAGES[form](pixels)
    check(over_grpc, rest, "digits", inputs)


@pytest.mark.parametrize("form", RECORDS)
def test_records(rest: Client, over_grpc: Client | Awaited, record: Record, form: str) -> None:
    inputs = RECORDS[form](record)
    check(over_grpc, rest, "diabetes", inputs)


@pytest.mark.parametrize("options", [{"version": 1}, {"version": 9}, {"label": "nightly"}], ids=str)
def test_versions_and_labels(rest: Client, over_grpc: Client | Awaited, pixels: Any, options: Any) -> None:
    check(over_grpc, rest, "digits", pixels, **options)


def test_an_unknown_model(rest: Client, over_grpc: Client | Awaited) -> None:
    check(over_grpc, rest, "nobody", [[1]])


@pytest.mark.parametrize("model", ["digits", "diabetes"])
def test_metadata_status_and_models(rest: Client, over_grpc: Client | Awaited, model: str) -> None:
    assert over_grpc.models() == rest.models()
    assert over_grpc.status(model) == rest.status(model)
    assert over_grpc.metadata(model) == rest.metadata(model)
    assert over_grpc.metadata(model, version=1) == rest.metadata(model, version=1)


def test_a_request_keeps_the_id_it_is_given(over_grpc: Client | Awaited, pixels: Any, record: Record) -> None:
    answer = over_grpc.predict("digits", pixels, request_id="mine-1", priority="batch")
    assert isinstance(answer, Prediction)
    assert answer.request_id == "mine-1"
    assert answer.timing
    assert answer.timing.batch_rows == 1
    assert None not in (answer.timing.queue_seconds, answer.timing.backend_seconds)
    with pytest.raises(PenstockError) as refused:
        over_grpc.predict("diabetes", {**record, "age": 500}, request_id="mine-2")
    assert refused.value.request_id == "mine-2"
