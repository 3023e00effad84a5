"""The codecs of the Open Inference Protocol: what is written is read back, and no bytes crash the reader."""

import struct
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from serving.contract.open_inference import DATATYPES
from serving.contract.tensors import Array
from serving.errors import InvalidInput, WrongDtype, WrongShape
from serving.rest.oip_tensors import (
    TensorHead,
    check_datatype,
    datatype_of,
    from_json,
    from_raw,
    split_body,
    to_json,
    to_raw,
)

SHAPES = arrays.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4)
NUMBERS = st.sampled_from(["bool", "uint8", "int32", "int64", "float16", "float32", "float64"]).flatmap(
    lambda dtype: arrays.arrays(dtype, SHAPES)
)
FINITE = st.sampled_from(["bool", "uint8", "int32", "int64", "float32", "float64"]).flatmap(
    lambda dtype: arrays.arrays(
        dtype,
        arrays.array_shapes(min_dims=1, max_dims=3, max_side=4),
        elements={"allow_nan": False, "allow_infinity": False} if dtype.startswith("float") else None,
    )
)
STRINGS = arrays.arrays(object, SHAPES, elements=st.binary(max_size=9))


def head_of(array: Array, datatype: str | None = None) -> TensorHead:
    return TensorHead("x", datatype or datatype_of(array), array.shape, "/inputs/0")


@given(NUMBERS | STRINGS)
def test_raw_tensors_come_back_as_they_were(array: Array) -> None:
    back = from_raw(head_of(array), memoryview(to_raw(array)))
    np.testing.assert_array_equal(back, array)
    assert back.dtype == array.dtype


@given(FINITE, st.booleans())
def test_json_tensors_come_back_as_they_were(array: Any, nested: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    text = orjson.dumps(array if nested else to_json(array), option=orjson.OPT_SERIALIZE_NUMPY)
    back = from_json(head_of(array), orjson.loads(text))
    np.testing.assert_array_equal(back.astype(array.dtype), array)


@given(st.sampled_from(["BOOL", "UINT16", "INT8", "FP16", "FP64", "BYTES"]), st.binary(max_size=40), SHAPES)
def test_any_bytes_are_a_tensor_or_invalid_input(datatype: str, raw: bytes, shape: tuple[int, ...]) -> None:
    try:
        array = from_raw(TensorHead("x", datatype, shape, ""), memoryview(raw))
    except InvalidInput:
        return
    assert array.shape == shape


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=8,
)


@given(st.sampled_from(["BOOL", "UINT64", "INT32", "FP32", "BYTES"]), JSON, SHAPES)
def test_any_json_is_a_tensor_or_invalid_input(datatype: str, data: object, shape: tuple[int, ...]) -> None:
    try:
        array = from_json(TensorHead("x", datatype, shape, ""), data)
    except InvalidInput:
        return
    assert array.shape == shape


def test_bytes_have_their_lengths_before_them() -> None:
    array = np.array([b"", b"ab"], object)
    assert to_raw(array) == struct.pack("<I", 0) + struct.pack("<I", 2) + b"ab"


def test_bytes_that_are_no_text_are_base64_in_json() -> None:
    assert to_json(np.array([b"a", b"\xff"], object)) == ["a", "/w=="]


@pytest.mark.parametrize(
    ("datatype", "shape", "data", "error", "pointer"),
    [
        ("FP32", (2,), 7, WrongDtype, "/inputs/0/data"),
        ("FP32", (2,), [1, 2, 3], WrongShape, "/inputs/0/data"),
        ("FP32", (2,), [1, "2"], WrongDtype, "/inputs/0/data/1"),
        ("INT32", (2,), [1, 2.5], WrongDtype, "/inputs/0/data/1"),
        ("BOOL", (1,), [1], WrongDtype, "/inputs/0/data/0"),
        ("FP32", (2, 2), [[1, 2], [3]], WrongShape, "/inputs/0/data/1"),
        ("BYTES", (2,), ["a", 1], WrongDtype, "/inputs/0/data"),
        ("BYTES", (2, 1), [["a"], ["b", "c"]], WrongShape, "/inputs/0/data"),
    ],
)
def test_what_is_wrong_is_named(
    datatype: str, shape: tuple[int, ...], data: object, error: type[InvalidInput], pointer: str
) -> None:
    with pytest.raises(error) as refused:
        from_json(TensorHead("x", datatype, shape, "/inputs/0"), data)
    assert refused.value.pointer == pointer


def test_an_unknown_datatype_is_told_which_there_are() -> None:
    with pytest.raises(WrongDtype, match="'FP8' is no datatype read here; they are BOOL, UINT8"):
        check_datatype(TensorHead("x", "FP8", (1,), ""))


def test_every_dtype_of_the_contract_has_a_name() -> None:
    assert {datatype_of(np.zeros(1, name)) for name in DATATYPES if name != "string"} == set(DATATYPES.values()) - {
        "BYTES"
    }


@pytest.mark.parametrize("header", [b"", b"-1", b"x", b"7", b"1" * 30])
def test_a_wrong_length_of_the_json_is_refused(header: bytes) -> None:
    with pytest.raises(InvalidInput, match="Inference-Header-Content-Length"):
        split_body(b"{}", header)
