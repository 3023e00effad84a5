"""One feature's values as a raw tensor, and what no tensor can say."""

import io
import struct
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from penstock_client.errors import OutOfRange, PenstockError, WrongDtype, WrongShape
from penstock_client.grpc_tensors import Tensor, guessed_tensor, tensor_of
from penstock_client.metadata import Feature
from PIL import Image

NUMBER = Feature("number", "age", "float32")
COUNT = Feature("number", "rooms", "int64")
FLAG = Feature("tensor", "flag", "bool")
TOWN = Feature("category", "town", "string")
PIXELS = Feature("image", "image", "float32", (2, 2))
BARE = Feature("tensor", "x", "DT_FLOAT", (None,))


def files(path: str | PathLike[str]) -> bytes:
    return f"<{path}>".encode()


def at(row: int) -> str:
    return f"/instances/{row}"


def tensor(feature: Feature, values: Any) -> Tensor:
    return tensor_of(feature, values, at, files)


@pytest.mark.parametrize(
    ("feature", "values", "datatype", "shape", "raw"),
    [
        (NUMBER, [1, 2.5], "FP32", (2,), struct.pack("<2f", 1, 2.5)),
        (COUNT, [3, -4], "INT64", (2,), struct.pack("<2q", 3, -4)),
        (FLAG, [True, False], "BOOL", (2,), b"\1\0"),
        (TOWN, ["Bern", b"\xff"], "BYTES", (2,), b"\4\0\0\0Bern\1\0\0\0\xff"),
        (TOWN, [{"b64": "/w=="}], "BYTES", (1,), b"\1\0\0\0\xff"),
        (PIXELS, [[[0, 1], [2, 3]]], "FP32", (1, 2, 2), struct.pack("<4f", 0, 1, 2, 3)),
        (PIXELS, [b"png", Path("a.png")], "BYTES", (2,), b"\3\0\0\0png\7\0\0\0<a.png>"),
        (BARE, [[1, 2, 3]], "FP32", (1, 3), struct.pack("<3f", 1, 2, 3)),
        (NUMBER, [np.float32(1.5), 2], "FP32", (2,), struct.pack("<2f", 1.5, 2)),
    ],
)
def test_values_travel_as_their_feature_says(
    feature: Feature, values: Any, datatype: str, shape: tuple[int, ...], raw: bytes
) -> None:
    assert tensor(feature, values) == Tensor(feature.name, datatype, shape, raw)


@pytest.mark.parametrize(
    ("array", "datatype"),
    [
        (np.arange(8, dtype=np.float32).reshape(2, 2, 2), "FP32"),
        (np.arange(8, dtype=np.uint8).reshape(2, 2, 2), "UINT8"),
        (np.arange(8, dtype=np.float64).reshape(2, 2, 2).transpose(2, 1, 0), "FP64"),
        (np.arange(8, dtype=">i4").reshape(2, 2, 2), "INT32"),
    ],
)
def test_an_array_keeps_its_dtype_and_is_row_major_and_little_endian(array: Any, datatype: str) -> None:
    whole, listed = tensor(PIXELS, array), tensor(PIXELS, list(array))
    expected = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()
    assert whole == listed == Tensor("image", datatype, (2, 2, 2), expected)


def test_rows_that_differ_in_dtype_are_read_one_by_one() -> None:
    rows = [np.ones((2, 2), np.uint8), np.full((2, 2), 0.5)]
    assert tensor(PIXELS, rows).raw == struct.pack("<8f", 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5)


def test_a_pil_image_goes_as_png() -> None:
    (image,) = [Image.new("L", (2, 2), 7)]
    raw = tensor(PIXELS, [image]).raw
    assert Image.open(io.BytesIO(raw[4:])).getpixel((0, 0)) == 7


@pytest.mark.parametrize(
    ("feature", "values", "error", "field", "said"),
    [
        (NUMBER, [1, "old"], WrongDtype, "/instances/1", "a string where a number is expected"),
        (NUMBER, [True], WrongDtype, "/instances/0", "true or false where a number is expected"),
        (NUMBER, [1, [2]], WrongShape, "/instances/1", "a list where a number is expected"),
        (NUMBER, [1, 1e300], OutOfRange, "/instances/1", "too large for float32"),
        (NUMBER, [10**400], OutOfRange, "/instances/0", "too large for float32"),
        (COUNT, [1, 2.5], WrongDtype, "/instances/1", "an integer is expected"),
        (COUNT, [2**70], OutOfRange, "/instances/0", "too large for int64"),
        (TOWN, ["Bern", 3], WrongDtype, "/instances/1", "a number where a string is expected"),
        (TOWN, [{"b64": "?"}], WrongDtype, None, "not base64"),
        (PIXELS, [[[1, 2], [3]]], WrongShape, "/instances/0/1", "1 values where 2 are expected"),
        (PIXELS, [[[1, 2], [3, "a"]]], WrongDtype, "/instances/0/1/1", "a string"),
        (PIXELS, [[[1, 2], 3]], WrongShape, "/instances/0/1", "a number where a list of shape [2] is expected"),
        (PIXELS, [b"png", [[1, 2], [3, 4]]], WrongDtype, "/instances/1", "send either alone"),
        (BARE, [[1], [1, 2]], WrongShape, "/instances/0", "rows of several lengths"),
        (Feature("tensor", "x", "DT_COMPLEX64"), [1], WrongDtype, None, "DT_COMPLEX64"),
    ],
)
def test_what_no_tensor_can_say_is_refused_at_its_place(
    feature: Feature, values: Any, error: type[PenstockError], field: str | None, said: str
) -> None:
    with pytest.raises(error, match=said.replace("[", r"\[").replace("]", r"\]")) as refused:
        tensor(feature, values)
    assert refused.value.field == field


def test_a_row_of_another_shape_is_the_gateways_to_refuse() -> None:
    assert tensor(PIXELS, [[[1, 2, 3]]]).shape == (1, 1, 3)


def test_a_name_nobody_expects_is_sent_by_what_it_holds() -> None:
    assert guessed_tensor("new", [1, 2.5]) == Tensor("new", "FP64", (2,), struct.pack("<2d", 1, 2.5))
    assert guessed_tensor("new", ["a", None]) == Tensor("new", "BYTES", (2,), b"\1\0\0\0a\4\0\0\0None")
