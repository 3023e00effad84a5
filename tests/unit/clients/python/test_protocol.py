"""Which requests each call sends, in which order, and what becomes of the answers; no transport is involved."""

import json
from collections.abc import Callable
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd
import pytest
from penstock_client.errors import InvalidInput, UnexpectedAnswer, UnknownModel, UnreadableFile
from penstock_client.messages import Address, Response
from penstock_client.metadata import VersionStatus
from penstock_client.prediction import Prediction
from penstock_client.protocol import Protocol
from penstock_client.rest_dialect import RestDialect

Make = Callable[..., Any]
PIXELS = [[0, 1], [2, 3]]
SHAPES = Address("shapes")


def no_files(path: str | PathLike[str]) -> bytes:
    raise UnreadableFile(f"no {path}")


@pytest.fixture
def protocol() -> Protocol:
    return Protocol(RestDialect(), read_file=no_files)


def test_one_row_is_asked_and_read(protocol: Protocol, script: Make, answer: Make, shapes_metadata: Make) -> None:
    predictions = answer({"predictions": [[0.1, 0.7, 0.2]]}, x_model_version="3", x_request_id="r-1")
    told = script(answer(shapes_metadata(3)), predictions)
    prediction = told.run(protocol.predict(SHAPES, PIXELS))
    assert prediction == Prediction(
        outputs={"probabilities": [0.1, 0.7, 0.2]},
        version=3,
        request_id="r-1",
        label="square",
        probabilities={"circle": 0.1, "square": 0.7, "star": 0.2},
    )
    assert told.paths == ["GET /v1/models/shapes/metadata", "POST /v1/models/shapes:predict"]
    assert json.loads(told.asked[1].body) == {"instances": [PIXELS]}
    assert told.asked[1].headers == {"content-type": "application/json"}


def test_metadata_is_fetched_once(protocol: Protocol, script: Make, answer: Make, shapes_metadata: Make) -> None:
    predictions = answer({"predictions": [[1, 0, 0]]}, x_model_version="3")
    told = script(answer(shapes_metadata(3)), predictions, predictions)
    told.run(protocol.predict(SHAPES, PIXELS))
    told.run(protocol.predict(SHAPES, [PIXELS]))
    assert len(told.asked) == 3


def test_labels_are_those_of_the_version_that_answered(
    protocol: Protocol, script: Make, answer: Make, shapes_metadata: Make
) -> None:
    told = script(
        answer(shapes_metadata(3)),
        answer({"predictions": [[0.1, 0.9, 0]]}, x_model_version="4"),
        answer(shapes_metadata(4, labels=("arrow", "boat", "cloud"))),
        answer({"predictions": [[0.1, 0.9, 0]]}, x_model_version="3"),
        answer({"predictions": [[0.1, 0.9, 0]]}, x_model_version="4"),
    )
    answers = [told.run(protocol.predict(SHAPES, PIXELS)) for _ in range(3)]
    assert [(one.label, one.version) for one in answers] == [("boat", 4), ("square", 3), ("boat", 4)]
    assert told.paths[2] == "GET /v1/models/shapes/versions/4/metadata"


def flat_metadata(version: int, *names: str) -> dict[str, Any]:
    """A regressor of numbers alone, which takes an array with a column for each."""
    manifest = {
        "features": [{"kind": "number", "name": name, "dtype": "float32"} for name in names],
        "outputs": {"task": "regression", "target": "rent", "unit": "EUR"},
        "signatures": {"serving_default": {"inputs": [], "outputs": [{"name": "value"}]}},
    }
    spec = {"name": "flat", "signature_name": "", "version": str(version)}
    return {"model_spec": spec, "metadata": {"signature_def": {}, "manifest": manifest}}


def test_columns_are_sent_anew_in_the_order_of_a_version_that_has_another(
    protocol: Protocol, script: Make, answer: Make
) -> None:
    told = script(
        answer(flat_metadata(1, "area", "rooms")),
        answer({"predictions": [[1.0]]}, x_model_version="2"),
        answer(flat_metadata(2, "rooms", "area")),
        answer({"predictions": [[2.0]]}, x_model_version="2"),
    )
    answered = told.run(protocol.predict(Address("flat"), pd.DataFrame([{"area": 90.0, "rooms": 3.0}])))
    assert (answered[0].value, answered[0].version) == (2.0, 2)
    assert [np.frombuffer(told.asked[place].body[-16:], "<f8").tolist() for place in (1, 3)] == [[90, 3], [3, 90]]
    assert told.paths[3] == "POST /v1/models/flat/versions/2:predict"


def test_what_names_its_values_is_not_sent_anew(protocol: Protocol, script: Make, answer: Make) -> None:
    told = script(
        answer(flat_metadata(1, "area", "rooms")),
        answer({"predictions": [[1.0]]}, x_model_version="2"),
        answer(flat_metadata(2, "rooms", "area")),
    )
    answered = told.run(protocol.predict(Address("flat"), {"area": 90.0, "rooms": 3.0}))
    assert (answered.value, answered.version) == (1.0, 2)


def test_a_version_or_a_label_stands_in_every_path(
    protocol: Protocol, script: Make, answer: Make, shapes_metadata: Make
) -> None:
    predictions = answer({"predictions": [[1, 0, 0]]}, x_model_version="2")
    told = script(answer(shapes_metadata(2)), predictions, answer(shapes_metadata(2)), predictions)
    told.run(protocol.predict(Address("shapes", label="canary"), PIXELS))
    told.run(protocol.predict(Address("my shapes", version=2), PIXELS))
    assert told.paths == [
        "GET /v1/models/shapes/labels/canary/metadata",
        "POST /v1/models/shapes/labels/canary:predict",
        "GET /v1/models/my%20shapes/versions/2/metadata",
        "POST /v1/models/my%20shapes/versions/2:predict",
    ]


def test_version_and_label_together_are_wrong_use() -> None:
    with pytest.raises(ValueError, match="name one of them"):
        Address("shapes", version=2, label="canary")


def test_a_regressor_answers_a_value_with_its_unit(
    protocol: Protocol, script: Make, answer: Make, house_metadata: Make
) -> None:
    told = script(answer(house_metadata()), answer({"predictions": [[250000.0], [None]]}, x_model_version="1"))
    first, second = told.run(protocol.predict(Address("house"), [{"area": 90}, {"area": 30}]))
    assert (first.value, first.unit, first.target, first.label) == (250000.0, "EUR", "price", None)
    assert second.value != second.value  # NaN: a non-finite output travels as null


def test_without_a_manifest_there_are_only_outputs(
    protocol: Protocol, script: Make, answer: Make, bare_metadata: Make
) -> None:
    told = script(answer(bare_metadata(7)), answer({"predictions": [{"mean": [1.0], "spread": [0.5]}]}))
    prediction = told.run(protocol.predict(Address("bare"), [1, 2, 3]))
    assert prediction == Prediction(outputs={"mean": [1.0], "spread": [0.5]}, version=7)


def test_no_rows_are_answered_without_a_predict_call(
    protocol: Protocol, script: Make, answer: Make, shapes_metadata: Make
) -> None:
    told = script(answer(shapes_metadata()))
    assert len(told.run(protocol.predict(SHAPES, []))) == 0
    assert told.paths == ["GET /v1/models/shapes/metadata"]


def test_refused_input_makes_the_next_call_look_at_the_version_again(
    protocol: Protocol, script: Make, answer: Make, shapes_metadata: Make
) -> None:
    refusal = Response(400, {}, b'{"error": "a row of shape [2, 2]; [4] is expected", "code": "WrongShape"}')
    told = script(answer(shapes_metadata(3)), refusal, answer(shapes_metadata(4)), refusal)
    for _ in range(2):
        with pytest.raises(InvalidInput):
            told.run(protocol.predict(SHAPES, PIXELS))
    assert told.paths == ["GET /v1/models/shapes/metadata", "POST /v1/models/shapes:predict"] * 2


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"{}",
        b'{"predictions": []}',
        b'{"predictions": [[0.5, 0.5]]}',
        b'{"predictions": [3]}',
    ],
)
def test_an_answer_that_does_not_fit_is_unexpected(
    protocol: Protocol, script: Make, answer: Make, shapes_metadata: Make, body: bytes
) -> None:
    told = script(answer(shapes_metadata()), Response(200, {"x-model-version": "3"}, body))
    with pytest.raises(UnexpectedAnswer):
        told.run(protocol.predict(SHAPES, PIXELS))


def test_models_and_status_are_read(protocol: Protocol, script: Make, answer: Make) -> None:
    told = script(
        answer({"models": [{"name": "digits", "versions": [1, 2]}, {"name": "diabetes", "versions": [1]}]}),
        answer({"model_version_status": [{"version": "2", "state": "AVAILABLE", "status": {"error_message": ""}}]}),
    )
    assert told.run(protocol.models()) == ["digits", "diabetes"]
    assert told.run(protocol.status(Address("digits"))) == (VersionStatus(2, "AVAILABLE"),)
    assert told.paths == ["GET /v1/models", "GET /v1/models/digits"]


def test_an_unknown_model_is_told_before_any_row_is_sent(protocol: Protocol, script: Make) -> None:
    told = script(Response(404, {}, b'{"error": "Could not find any versions of model x", "code": "UnknownModel"}'))
    with pytest.raises(UnknownModel, match="model x"):
        told.run(protocol.predict(Address("x"), [1]))
