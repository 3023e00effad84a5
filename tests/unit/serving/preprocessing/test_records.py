"""Rows as callers send them: what is taken, and what each wrong one is told."""

import numpy as np
import pytest

from serving.contract.features import CategoryFeature, Feature, ImageFeature, NumberFeature, TensorFeature, TextFeature
from serving.errors import (
    InvalidInput,
    MissingField,
    OutOfRange,
    UndecodableImage,
    UnknownField,
    WrongDtype,
    WrongShape,
)
from serving.preprocessing.records import decode_instances

NUMBER = NumberFeature(name="x")
AGE = NumberFeature(name="age", dtype="int64", default=40, range=(0, 120), unit="years")
HEIGHT = NumberFeature(name="height", optional=True, range=(0, 3))
TOWN = CategoryFeature(name="town", default="Bonn")
NOTE = TextFeature(name="a/b~c")
ROW3 = TensorFeature(name="row", shape=(3,))
FREE = TensorFeature(name="free", shape=(None,))
GRID = TensorFeature(name="grid", shape=(None, 2))
BYTE = TensorFeature(name="byte", dtype="uint8")
INT32 = TensorFeature(name="int", dtype="int32")
FLAG = TensorFeature(name="flag", dtype="bool")
WORDS = TensorFeature(name="words", dtype="string", shape=(2,))
FREE_WORDS = TensorFeature(name="words", dtype="string", shape=(None,))
IMAGE = ImageFeature(name="image", shape=(2, 2), range=(0, 16))
PERSON = (AGE, TOWN, NUMBER)


@pytest.mark.parametrize(
    ("features", "instances", "error", "pointer"),
    [
        ((NUMBER,), [], InvalidInput, "/instances"),
        ((NUMBER,), {"x": [1]}, WrongDtype, "/instances"),
        ((NUMBER,), None, WrongDtype, "/instances"),
        ((HEIGHT,), [{}, {"height": float("nan")}], OutOfRange, "/instances/1/height"),
        ((HEIGHT,), [{}, {"height": 4}], OutOfRange, "/instances/1/height"),
        ((NUMBER,), 3, WrongDtype, "/instances"),
        ((NUMBER,), [1, "2"], WrongDtype, "/instances/1"),
        ((NUMBER,), [True], WrongDtype, "/instances/0"),
        ((NUMBER,), [1, True], WrongDtype, "/instances/1"),
        ((NUMBER,), [None], WrongDtype, "/instances/0"),
        ((NUMBER,), [{"b64": "aGk="}], WrongDtype, "/instances/0"),
        ((NUMBER,), [1, [2]], WrongShape, "/instances/1"),
        ((NUMBER,), [1, {"x": 2}], WrongDtype, "/instances/1"),
        ((NUMBER,), [{"x": 1}, 2], WrongDtype, "/instances/1"),
        ((NUMBER,), [{"x": 1}, {"x": [2]}], WrongShape, "/instances/1/x"),
        ((NUMBER,), [{}], MissingField, "/instances/0/x"),
        ((NUMBER,), [{"x": 1}, {"x": None}], MissingField, "/instances/1/x"),
        ((NUMBER,), [{"y": 1}], UnknownField, "/instances/0/y"),
        ((NUMBER,), [float("nan")], OutOfRange, "/instances/0"),
        ((NUMBER,), [0, float("-inf")], OutOfRange, "/instances/1"),
        ((NUMBER,), [0, 1e39], OutOfRange, "/instances/1"),
        ((ROW3,), [[1, 2]], WrongShape, "/instances/0"),
        ((ROW3,), [[1, 2, 3], [1, 2, 3, 4]], WrongShape, "/instances/1"),
        ((ROW3,), [[1, 2, 3], 4], WrongShape, "/instances/1"),
        ((ROW3,), [[[1, 2, 3]]], WrongShape, "/instances/0"),
        ((ROW3,), [[1, [2], 3]], WrongShape, "/instances/0/1"),
        ((ROW3,), [[1, 2, "3"]], WrongDtype, "/instances/0/2"),
        ((ROW3,), [[1, 2, {"b64": ""}]], WrongDtype, "/instances/0/2"),
        ((ROW3,), [[1, 2, 3], [1, 2, None]], WrongDtype, "/instances/1/2"),
        ((ROW3,), [[1, 2, float("inf")]], OutOfRange, "/instances/0"),
        ((FREE,), [[1], [1, 2]], WrongShape, "/instances/1"),
        ((GRID,), [[[1, 2], [3]]], WrongShape, "/instances/0"),
        ((GRID,), [[[1, 2]], [[1, 2], [3, 4]]], WrongShape, "/instances/1"),
        ((GRID,), [[[1, 2, 3]]], WrongShape, "/instances/0"),
        ((BYTE,), [0, 256], OutOfRange, "/instances/1"),
        ((BYTE,), [-1], OutOfRange, "/instances/0"),
        ((BYTE,), [1.0], WrongDtype, "/instances/0"),
        ((INT32,), [2**31 - 1, 2**31], OutOfRange, "/instances/1"),
        ((INT32,), [-(2**31) - 1], OutOfRange, "/instances/0"),
        ((INT32,), [-1, 2**63], OutOfRange, "/instances/1"),
        ((INT32,), [2**70], OutOfRange, "/instances/0"),
        ((INT32,), [True], WrongDtype, "/instances/0"),
        ((FLAG,), [1], WrongDtype, "/instances/0"),
        ((TOWN,), [3], WrongDtype, "/instances/0"),
        ((NOTE,), [{"a/b~c": ["x"]}], WrongDtype, "/instances/0/a~1b~0c"),
        ((NOTE,), [{"a/b": "x"}], UnknownField, "/instances/0/a~1b"),
        ((NOTE,), [{"b64": "not base64"}], WrongDtype, "/instances/0/b64"),
        ((NOTE,), [{"b64": 3}], WrongDtype, "/instances/0/b64"),
        ((WORDS,), ["ab"], WrongShape, "/instances/0"),
        ((WORDS,), [["a", "b", "c"]], WrongShape, "/instances/0"),
        ((FREE_WORDS,), [["a"], ["a", "b"]], WrongShape, "/instances/1"),
        ((FREE_WORDS,), [["a"], "a"], WrongShape, "/instances/1"),
        ((WORDS,), [["a", "b"], ["a", 1]], WrongDtype, "/instances/1/1"),
        ((WORDS,), [["a", {"b64": "?"}]], WrongDtype, "/instances/0/1/b64"),
        ((IMAGE,), [{"b64": "aGVsbG8="}], UndecodableImage, "/instances/0"),
        ((IMAGE,), [{"b64": "####"}], WrongDtype, "/instances/0/b64"),
        ((IMAGE,), [{"image": {"b64": ""}}], UndecodableImage, "/instances/0/image"),
        ((IMAGE,), [{"image": {"url": "x"}}], InvalidInput, "/instances/0/image"),
        ((IMAGE,), ["aGVsbG8="], WrongDtype, "/instances/0"),
        ((IMAGE,), [[[0, 1], [2, 16.5]]], OutOfRange, "/instances/0"),
        ((IMAGE,), [[[0, 1]]], WrongShape, "/instances/0"),
        (PERSON, [{"age": 1, "town": "Ulm"}], MissingField, "/instances/0/x"),
        (PERSON, [{"age": 121, "x": 1}], OutOfRange, "/instances/0/age"),
        (PERSON, [{"x": 1}, {"age": -1, "x": 1}], OutOfRange, "/instances/1/age"),
        (PERSON, [{"age": 1.5, "x": 1}], WrongDtype, "/instances/0/age"),
        (PERSON, [{"x": 1}, [1, "Ulm", 2]], WrongDtype, "/instances/1"),
        (PERSON, [1], WrongDtype, "/instances/0"),
    ],
)
def test_a_wrong_row_is_refused_by_kind_and_place(
    features: tuple[Feature, ...], instances: object, error: type[InvalidInput], pointer: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        decode_instances(instances, features)
    assert (type(refused.value), refused.value.pointer) == (error, pointer)


@pytest.mark.parametrize(
    ("features", "instances", "message"),
    [
        (PERSON, [{"agee": 1}], "the model has no feature 'agee'; did you mean 'age'?"),
        (PERSON, [{"zzz": 1}], "the model has no feature 'zzz'; its features are `age`, `town`, `x`"),
        (PERSON, [{"age": 130, "x": 1}], "130 is outside the range 0 to 120 years"),
        ((INT32,), [2**31], "2147483648 is outside the range -2147483648 to 2147483647"),
        ((NumberFeature(name="x", range=(0, 0.5)),), [0.75], "0.75 is outside the range 0 to 0.5"),
        ((ROW3,), [[1, 2]], "a row of shape [2]; [3] is expected"),
        ((ROW3,), [1], "a number where a list of shape [3] is expected"),
        ((FREE,), [[1], [1, 2]], "a row of shape [2]; [1] is expected"),
        ((GRID,), [[[1, 2], [3]]], "ragged: its lists differ in length; [any, 2] is expected"),
        ((BYTE,), [1.0], "a number where an integer is expected"),
        (PERSON, [1], "a number where an object with `age`, `town`, `x` is expected"),
    ],
)
def test_the_refusal_says_what_came_and_what_was_expected(
    features: tuple[Feature, ...], instances: object, message: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        decode_instances(instances, features)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("feature", "instances", "dtype", "expected"),
    [
        (NUMBER, [1, 2.5], "float32", [1.0, 2.5]),
        (NUMBER, [{"x": 1}], "float32", [1.0]),
        (NUMBER, [2**63, -1], "float32", [2.0**63, -1.0]),
        (AGE, [{}, {"age": None}, {"age": 7}], "int64", [40, 40, 7]),
        (ROW3, [[1, 2, 3], [4.5, 5, 6]], "float32", [[1, 2, 3], [4.5, 5, 6]]),
        (FREE, [[1, 2], [3, 4]], "float32", [[1, 2], [3, 4]]),
        (TensorFeature(name="x", dtype="int32", shape=(None,)), [[], []], "int32", [[], []]),
        (GRID, [[[1, 2]], [[3, 4]]], "float32", [[[1, 2]], [[3, 4]]]),
        (BYTE, [0, 255], "uint8", [0, 255]),
        (TensorFeature(name="x", dtype="int64"), [2**63 - 1, -(2**63)], "int64", [2**63 - 1, -(2**63)]),
        (TensorFeature(name="x", dtype="float16"), [65504], "float16", [65504]),
        (NumberFeature(name="x", dtype="float16", range=(0, 1e6)), [65504], "float16", [65504]),
        (FLAG, [True, False], "bool", [True, False]),
        (HEIGHT, [{"height": 2}, {}], "float32", [2.0, pytest.approx(np.nan, nan_ok=True)]),
        (HEIGHT, [{"height": None}], "float32", [pytest.approx(np.nan, nan_ok=True)]),
        (TOWN, ["Ulm", "no such town"], "object", [b"Ulm", b"no such town"]),
        (TOWN, [{}, {"town": "Ulm"}], "object", [b"Bonn", b"Ulm"]),
        (NOTE, ["é", {"b64": "/w=="}], "object", ["é".encode(), b"\xff"]),
        (WORDS, [["a", {"b64": "Yg=="}]], "object", [[b"a", b"b"]]),
        (NumberFeature(name="x", range=(0, 0.1)), [0.1], "float32", [np.float32(0.1)]),
    ],
)
def test_a_right_row_becomes_the_features_array(
    feature: Feature, instances: object, dtype: str, expected: list[object]
) -> None:
    (array,) = decode_instances(instances, (feature,)).values()
    assert (array.dtype.name, array.tolist()) == (dtype, expected)


def test_every_feature_of_a_record_gets_its_column() -> None:
    arrays = decode_instances([{"age": 3, "x": 1.5}, {"town": "Ulm", "x": 2}], PERSON)
    assert {name: array.tolist() for name, array in arrays.items()} == {
        "age": [3, 40],
        "town": [b"Bonn", b"Ulm"],
        "x": [1.5, 2.0],
    }


def test_an_endless_name_is_not_repeated_in_full() -> None:
    with pytest.raises(UnknownField) as refused:
        decode_instances([{"y" * 100_000: 1}], PERSON)
    assert len(str(refused.value)) + len(refused.value.pointer) < 400
