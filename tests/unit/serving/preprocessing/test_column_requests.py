"""Columnar requests: TensorFlow Serving's `inputs`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from serving.contract.features import CategoryFeature, Feature, NumberFeature, TensorFeature
from serving.errors import InvalidInput, MissingField, UnknownField, WrongDtype, WrongShape
from serving.preprocessing.records import decode_inputs, decode_instances

ONE: Sequence[Feature] = (TensorFeature(name="x", shape=(2,)),)
TWO: Sequence[Feature] = (
    NumberFeature(name="a/b", range=(0, 9)),
    CategoryFeature(name="colour", default="red"),
)


@pytest.mark.parametrize("inputs", [[[1, 2], [3, 4]], {"x": [[1, 2], [3, 4]]}])
def test_one_input_may_stand_bare_or_under_its_name(inputs: object) -> None:
    assert decode_inputs(inputs, ONE)["x"].tolist() == [[1, 2], [3, 4]]


def test_columns_are_the_same_as_rows() -> None:
    rows = [{"a/b": 1, "colour": "blue"}, {"a/b": 2.5}]
    columns = {"a/b": [1, 2.5], "colour": ["blue", None]}
    by_rows, by_columns = decode_instances(rows, TWO), decode_inputs(columns, TWO)
    assert by_rows.keys() == by_columns.keys()
    for name, column in by_rows.items():
        np.testing.assert_array_equal(column, by_columns[name])


def test_a_column_left_out_is_its_default_in_every_row() -> None:
    assert decode_inputs({"a/b": [1, 2]}, TWO)["colour"].tolist() == [b"red", b"red"]


@pytest.mark.parametrize(
    ("inputs", "error", "pointer"),
    [
        (7, WrongDtype, "/inputs"),
        ([1], WrongDtype, "/inputs"),
        ({"b64": "YQ=="}, WrongDtype, "/inputs"),
        ({}, InvalidInput, "/inputs"),
        ({"a/b": []}, InvalidInput, "/inputs/a~1b"),
        ({"a/b": 1}, WrongShape, "/inputs/a~1b"),
        ({"a/b": [1], "colour": ["x", "y"]}, WrongShape, "/inputs/colour"),
        ({"a/b": [1, "2"]}, WrongDtype, "/inputs/a~1b/1"),
        ({"a/b": [1, None]}, MissingField, "/inputs/a~1b/1"),
        ({"colour": ["x"]}, MissingField, "/inputs/a~1b"),
        ({"a/b": [1], "color": ["x"]}, UnknownField, "/inputs/color"),
        ({"a/b": [1, 10]}, InvalidInput, "/inputs/a~1b/1"),
    ],
)
def test_what_is_wrong_is_named_by_its_column(inputs: Any, error: type[InvalidInput], pointer: str) -> None:
    with pytest.raises(error) as refused:
        decode_inputs(inputs, TWO)
    assert refused.value.pointer == pointer
