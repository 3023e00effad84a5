"""Which rows go as an array of numbers."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from penstock_client.files import read_file
from penstock_client.inputs import Rows
from penstock_client.messages import Address, Response
from penstock_client.metadata import Feature, ModelMetadata, parse_metadata
from penstock_client.npy import MEDIA_TYPE, write_npy
from penstock_client.number_rows import npy_body
from penstock_client.rest_dialect import RestDialect

NUMBERS = tuple(Feature("number", name, "float32") for name in ("age", "bmi"))
IMAGE = (Feature("image", "image", "float32", (2, 2)),)
TOKENS = (Feature("tensor", "tokens", "int64", (None,)),)
TEXT = (Feature("text", "text", "string"),)
MIXED = (NUMBERS[0], Feature("category", "town", "string"))
NESTED = (NUMBERS[0], IMAGE[0])


def sent(instances: Any, features: tuple[Feature, ...]) -> Any:
    metadata = ModelMetadata("m", 1, features, ("value",), manifest={"task": "regression"})
    body = npy_body(instances, metadata)
    return None if body is None else np.load(io.BytesIO(body)).tolist()


@pytest.mark.parametrize("features", [NUMBERS, IMAGE, TOKENS])
def test_arrays_go_as_they_are(features: tuple[Feature, ...]) -> None:
    pairs = np.array([[1.5, 2], [3, 4]])
    assert sent(pairs, features) == pairs.tolist()
    assert sent([*pairs], features) == pairs.tolist()


@pytest.mark.parametrize("features", [TEXT, MIXED, NESTED])
def test_models_of_more_than_numbers_get_json(features: tuple[Feature, ...]) -> None:
    assert sent(np.zeros((2, 2)), features) is None


@pytest.mark.parametrize("instances", [[], [[1.5, 2]], [{"age": 1}], [np.zeros(2), [1, 2]], np.array(["a"])])
def test_what_is_no_array_of_numbers_goes_as_json(instances: Any) -> None:
    assert sent(instances, NUMBERS) is None


def test_a_server_without_manifests_gets_json(bare_metadata: Callable[..., dict[str, Any]]) -> None:
    assert npy_body(np.zeros((2, 3)), parse_metadata(bare_metadata())) is None


def test_an_array_is_asked_for_and_read_as_one() -> None:
    metadata = ModelMetadata("m", 1, NUMBERS, ("value",), task="regression", manifest={"task": "regression"})
    request = RestDialect().predict_request(Address("m"), Rows([*np.zeros((2, 2))], many=True), metadata, read_file)
    assert (request.headers["content-type"], request.headers["accept"]) == (MEDIA_TYPE, MEDIA_TYPE)
    answer = Response(200, {"content-type": MEDIA_TYPE}, write_npy(np.array([[1.5], [2.5]], np.float32)))
    assert RestDialect().read_predictions(answer, metadata, 2).prediction(1).value == 2.5
