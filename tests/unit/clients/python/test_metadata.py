"""What is read from the metadata, and that the contract's own serialising is understood."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from penstock_client.errors import UnexpectedAnswer
from penstock_client.metadata import Feature, parse_metadata
from pydantic import TypeAdapter

from serving.contract.features import CategoryFeature, ImageFeature, NumberFeature, TensorFeature, TextFeature
from serving.contract.manifest import Classification, Regression
from serving.contract.tensors import Signature, TensorSpec

CONTRACT_FEATURES = [
    NumberFeature(name="age", unit="years", description="at the visit"),
    CategoryFeature(name="town", vocabulary=("Bonn", "Ulm")),
    TextFeature(name="note"),
    ImageFeature(name="scan", shape=(8, 8)),
    TensorFeature(name="signal", shape=(None, 3)),
]


@pytest.mark.parametrize("feature", CONTRACT_FEATURES, ids=lambda feature: feature.kind)
def test_features_are_read_as_the_contract_writes_them(feature: Any, shapes_metadata: Callable[..., Any]) -> None:
    body = shapes_metadata()
    body["metadata"]["manifest"]["features"] = [json.loads(feature.model_dump_json())]
    [read] = parse_metadata(body).features
    unit = getattr(feature, "unit", "")
    assert read == Feature(feature.kind, feature.name, feature.dtype, feature.row_shape, unit, feature.description)


@pytest.mark.parametrize("outputs", [Classification(labels=("no", "yes")), Regression(target="price", unit="EUR")])
def test_outputs_are_read_as_the_contract_writes_them(outputs: Any, shapes_metadata: Callable[..., Any]) -> None:
    body = shapes_metadata()
    body["metadata"]["manifest"]["outputs"] = json.loads(outputs.model_dump_json())
    read = parse_metadata(body)
    assert read.task == outputs.task
    assert read.labels == getattr(outputs, "labels", ())
    assert (read.target, read.unit) == (getattr(outputs, "target", None), getattr(outputs, "unit", None))


def test_output_names_are_read_as_the_contract_writes_them(shapes_metadata: Callable[..., Any]) -> None:
    signature = Signature((TensorSpec("x", "float32", ()),), (TensorSpec("value", "float32", (1,)),))
    body = shapes_metadata()
    body["metadata"]["manifest"]["signatures"] = {
        "serving_default": json.loads(TypeAdapter(Signature).dump_json(signature))
    }
    assert parse_metadata(body).output_names == ("value",)


def test_without_a_manifest_the_signature_tells_the_rows(bare_metadata: Callable[..., Any]) -> None:
    read = parse_metadata(bare_metadata(7))
    assert (read.version, read.task, read.output_names) == (7, None, ("mean", "spread"))
    assert read.features == (Feature("tensor", "x", "DT_FLOAT", (3,)),)


def test_metadata_of_something_else_is_unexpected() -> None:
    with pytest.raises(UnexpectedAnswer, match="metadata is not as Penstock's gateway writes it"):
        parse_metadata({"name": "some other server"})


def test_a_mask_is_no_feature_to_be_sent(shapes_metadata: Callable[..., Any]) -> None:
    tokens = TensorFeature(name="tokens", dtype="int64", shape=(None,), pad_value=0)
    mask = TensorFeature(name="own", shape=(None,), mask_of="tokens")
    body = shapes_metadata()
    body["metadata"]["manifest"]["features"] = [json.loads(each.model_dump_json()) for each in (tokens, mask)]
    assert [feature.name for feature in parse_metadata(body).features] == ["tokens"]
