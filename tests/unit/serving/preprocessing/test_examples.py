"""Examples made by TensorFlow's own generated message, checked by ours."""

import math
from typing import Any

import pytest

from serving.backends.tensorflow_messages import message_module
from serving.contract.features import CategoryFeature, Feature, ImageFeature, NumberFeature, TensorFeature
from serving.contract.tensors import Array
from serving.errors import InvalidInput, MissingField, OutOfRange, WrongDtype, WrongShape
from serving.preprocessing.columns import decode_column
from serving.preprocessing.examples import ExampleFeature

RECORD: tuple[Feature, ...] = (
    NumberFeature(name="weight", range=(0, 9)),
    NumberFeature(name="count", dtype="int64"),
    NumberFeature(name="mood", optional=True),
    CategoryFeature(name="the/colour"),
    ImageFeature(name="image", dtype="uint8", shape=(1, 2)),
    TensorFeature(name="words", dtype="int64", shape=(None, 2)),
)
GOOD: dict[str, list[Any]] = {
    "weight": [1.0],
    "count": [2],
    "mood": [0.5],
    "the/colour": [b"red"],
    "image": [0, 255],
    "words": [1, 2, 3, 4],
}


def example(**changes: Any) -> bytes:
    """GOOD with some features changed, or left out where None."""
    made = message_module("tensorflow.core.example.example_pb2").Example()
    for name, values in {**GOOD, **changes}.items():
        if values is not None:
            kinds = {bytes: "bytes_list", float: "float_list", int: "int64_list", type(None): "float_list"}
            feature = made.features.feature[name]
            getattr(feature, kinds[type(next(iter(values), None))]).value.extend(values)
    return bytes(made.SerializeToString())


def decoded(*rows: bytes) -> Array:
    return decode_column(ExampleFeature(name="inputs", record=RECORD), rows, lambda row: f"/inputs/{row}")


@pytest.mark.parametrize(
    "changes",
    [{}, {"mood": None}, {"mood": [math.nan]}, {"words": [1, 2]}, {"unknown": [b"x"]}],
    ids=str,
)
def test_what_the_graph_takes_passes_as_it_came(changes: dict[str, Any]) -> None:
    rows = (example(), example(**changes))
    assert decoded(*rows).tolist() == list(rows)


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"weight": None}, MissingField, "weight"),
        ({"weight": []}, WrongShape, "weight"),
        ({"weight": [1]}, WrongDtype, "weight"),
        ({"weight": [b"1"]}, WrongDtype, "weight"),
        ({"weight": [1.0, 2.0]}, WrongShape, "weight"),
        ({"weight": [10.0]}, OutOfRange, "weight"),
        ({"weight": [math.nan]}, OutOfRange, "weight"),
        ({"count": [1.0]}, WrongDtype, "count"),
        ({"the/colour": [b"red", b"blue"]}, WrongShape, "the~1colour"),
        ({"image": [0]}, WrongShape, "image"),
        ({"image": [0, 256]}, OutOfRange, "image"),
        ({"words": [1, 2, 3]}, WrongShape, "words"),
        ({"mood": [math.inf]}, OutOfRange, "mood"),
    ],
    ids=str,
)
def test_what_it_would_refuse_is_refused_with_the_field(
    changes: dict[str, Any], error: type[InvalidInput], field: str
) -> None:
    with pytest.raises(error) as refused:
        decoded(example(), example(**changes))
    assert refused.value.pointer == f"/inputs/1/{field}"


def test_a_fault_is_found_in_its_row_where_others_have_no_value() -> None:
    with pytest.raises(OutOfRange) as refused:
        decoded(example(mood=None), example(), example(mood=[math.inf]))
    assert refused.value.pointer == "/inputs/2/mood"


def test_bytes_that_are_no_example_are_refused_by_their_row() -> None:
    with pytest.raises(InvalidInput, match=r"no serialized tf\.Example") as refused:
        decoded(example(), b"not an example")
    assert refused.value.pointer == "/inputs/1"
