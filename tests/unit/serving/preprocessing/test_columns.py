"""Training hands columns over as numpy arrays, requests as lists: the arrays must be the same, bit for bit."""

import math
from typing import Any

import numpy as np
import pytest

from serving.contract.features import (
    CategoryFeature,
    Feature,
    ImageFeature,
    NumberFeature,
    TensorFeature,
)
from serving.contract.tensors import Array
from serving.errors import InvalidInput, OutOfRange, WrongDtype, WrongShape
from serving.preprocessing.columns import decode_column
from serving.preprocessing.records import decode_instances


def locate(row: int) -> str:
    return f"/x/{row}"


RANDOM = np.random.default_rng(7)


@pytest.mark.parametrize(
    ("feature", "values"),
    [
        (NumberFeature(name="x"), RANDOM.normal(size=50)),
        (NumberFeature(name="x"), RANDOM.normal(size=50).astype(np.float32)),
        (NumberFeature(name="x", dtype="float64"), RANDOM.normal(size=50) * 1e300),
        (NumberFeature(name="x", dtype="int64"), RANDOM.integers(-(2**62), 2**62, 50)),
        (TensorFeature(name="x", dtype="float16", shape=(3,)), RANDOM.normal(size=(20, 3))),
        (TensorFeature(name="x", dtype="bool", shape=(3,)), RANDOM.integers(0, 2, (20, 3)).astype(bool)),
        (ImageFeature(name="x", shape=(4, 4), range=(0, 16)), RANDOM.integers(0, 17, (9, 4, 4)) / 1.0),
        (ImageFeature(name="x", dtype="uint8", shape=(4, 4, 3)), RANDOM.integers(0, 256, (9, 4, 4, 3), np.uint8)),
        (CategoryFeature(name="x"), np.array(["Ulm", "Bonn", "Köln"])),
        (TensorFeature(name="x", dtype="string", shape=(2,)), np.array([["a", "b"], ["c", "é"]])),
    ],
)
def test_a_numpy_column_and_the_same_values_as_json_decode_alike(feature: Feature, values: Array) -> None:
    trained = decode_column(feature, values, locate)
    served = decode_instances(values.tolist(), (feature,))["x"]
    np.testing.assert_array_equal(trained, served, strict=True)
    assert trained.dtype == object or trained.tobytes() == served.tobytes()


@pytest.mark.parametrize(
    ("values", "error", "pointer"),
    [
        (np.array([1.0, np.nan]), OutOfRange, "/x/1"),
        (np.array([1.0, 1e39]), OutOfRange, "/x/1"),
        (np.array([0.5, 11.0]), OutOfRange, "/x/1"),
        (np.array([[1.0]]), WrongShape, "/x/0"),
        (np.array(["1"]), WrongDtype, "/x/0"),
        (np.array([True]), WrongDtype, "/x/0"),
        (np.array([None]), WrongDtype, "/x/0"),
    ],
)
def test_a_wrong_numpy_column_is_refused_by_kind_and_place(
    values: Array, error: type[InvalidInput], pointer: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        decode_column(NumberFeature(name="x", range=(0, 10)), values, locate)
    assert (type(refused.value), refused.value.pointer) == (error, pointer)


def test_floats_never_become_integers_even_when_they_are_whole() -> None:
    with pytest.raises(WrongDtype, match="type float64 where int32 is expected"):
        decode_column(NumberFeature(name="x", dtype="int32"), np.array([1.0]), locate)


@pytest.mark.parametrize("column", [[1, math.nan, -math.inf], np.array([1, math.nan, -math.inf])], ids=type)
@pytest.mark.parametrize(
    "feature",
    [
        NumberFeature(name="x", dtype="float16", allow_non_finite=True),
        NumberFeature(name="x", dtype="float16", optional=True, allow_non_finite=True),
        TensorFeature(name="x", dtype="float16", allow_non_finite=True),
    ],
    ids=repr,
)
def test_a_feature_may_take_what_is_not_finite_and_still_nothing_too_large(feature: Feature, column: Any) -> None:
    assert repr(decode_column(feature, column, str).tolist()) == "[1.0, nan, -inf]"
    with pytest.raises(OutOfRange) as refused:
        decode_column(feature, [math.nan, 1e9], str)
    assert refused.value.pointer == "1"


TOKENS = TensorFeature(name="t", dtype="int64", shape=(None,), pad_value=0)
POINTS = TensorFeature(name="t", shape=(2, None), pad_value=0.0)
WORDS = TensorFeature(name="t", dtype="string", shape=(None,), pad_value="")


@pytest.mark.parametrize(
    ("feature", "rows"),
    [
        (TOKENS, [[1], [2, 3], [], [4]]),
        (POINTS, [[[1], [2]], [[1, 2], [3, 4]]]),
        (WORDS, [["a"], ["b", "c"], []]),
    ],
    ids=repr,
)
def test_rows_that_differ_in_length_stay_apart_where_they_will_be_filled_up(
    feature: TensorFeature, rows: list[Any]
) -> None:
    column = decode_column(feature, rows, locate)
    assert (column.dtype, column.shape) == (np.dtype(object), (len(rows),))
    for row, array in zip(rows, column, strict=True):
        assert np.array_equal(array, decode_column(feature, [row], locate)[0])
        assert array.dtype == decode_column(feature, [row], locate).dtype


@pytest.mark.parametrize("feature", [TOKENS, POINTS.model_copy(update={"shape": (None, 2)})], ids=repr)
def test_rows_of_one_length_are_one_array(feature: TensorFeature) -> None:
    rows: Any = np.ones((3, 4, 2) if feature.row_shape[1:] else (3, 4), np.int64)
    assert np.array_equal(decode_column(feature, rows.tolist(), locate), rows)
    assert np.array_equal(decode_column(feature, rows, locate), rows)


@pytest.mark.parametrize(
    ("feature", "rows", "error", "pointer"),
    [
        (TensorFeature(name="t", dtype="int64", shape=(None,)), [[1], [2, 3]], WrongShape, "/x/1"),
        (TOKENS, [[1], [2, 3], [4.5]], WrongDtype, "/x/2/0"),
        (TOKENS, [[1], [2, "3"]], WrongDtype, "/x/1/1"),
        (TOKENS, [[1], 2], WrongShape, "/x/1"),
        (TOKENS, [[1], [[2], [3]]], WrongShape, "/x/1/0"),
        (POINTS, [[[1], [2]], [[1, 2], [3]]], WrongShape, "/x/1"),
        (POINTS, [[[1], [2]], [[1, 2]]], WrongShape, "/x/1"),
        (POINTS, [[[1], [2]], [[1, 2], [3, math.inf]]], OutOfRange, "/x/1"),
        (WORDS, [["a"], ["b", 1]], WrongDtype, "/x/1/1"),
    ],
    ids=repr,
)
def test_what_is_wrong_in_one_of_them_is_found_in_its_row(
    feature: TensorFeature, rows: list[Any], error: type[InvalidInput], pointer: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        decode_column(feature, rows, locate)
    assert (type(refused.value), refused.value.pointer) == (error, pointer)
