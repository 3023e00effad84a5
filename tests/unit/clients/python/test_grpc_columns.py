"""Tensors of answers as columns of rows."""

import struct

import numpy as np
import pytest
from penstock_client.grpc_columns import column_of
from penstock_client.predictions import Column


def rows(column: Column) -> list[object]:
    return [column[row] for row in range(len(column))]


@pytest.mark.parametrize(
    ("datatype", "dtype"),
    [
        ("BOOL", "bool"),
        ("UINT8", "uint8"),
        ("UINT16", "uint16"),
        ("UINT32", "uint32"),
        ("UINT64", "uint64"),
        ("INT8", "int8"),
        ("INT16", "int16"),
        ("INT32", "int32"),
        ("INT64", "int64"),
        ("FP16", "float16"),
        ("FP32", "float32"),
        ("FP64", "float64"),
    ],
)
def test_numbers_are_read_where_they_lie(datatype: str, dtype: str) -> None:
    array = np.arange(12).reshape(2, 3, 2).astype(dtype)
    column = column_of(datatype, [2, 3, 2], array.tobytes())
    assert rows(column) == array.tolist()
    seen = np.asarray(column)
    assert (seen.dtype, seen.tolist()) == (array.dtype, array.tolist())


def test_one_number_a_row_is_no_list() -> None:
    assert rows(column_of("INT64", [2], struct.pack("<2q", 5, 6))) == [5, 6]


def test_strings_are_text_where_they_can_be() -> None:
    raw = b"\4\0\0\0Bern\1\0\0\0\xff"
    assert rows(column_of("BYTES", [2], raw)) == ["Bern", b"\xff"]
    assert rows(column_of("BYTES", [1, 2], raw)) == [["Bern", b"\xff"]]


def test_a_row_that_is_not_there_is_an_index_error() -> None:
    column = column_of("FP32", [2, 1], bytes(8))
    for row in (-1, 2):
        with pytest.raises(IndexError):
            column[row]


@pytest.mark.parametrize(
    ("datatype", "shape", "raw"),
    [("FP32", [2], bytes(7)), ("FP32", [], bytes(4)), ("BYTES", [2], b"\1\0\0\0a"), ("BYTES", [1], b"\7\0\0\0a")],
)
def test_a_tensor_that_is_none_is_refused(datatype: str, shape: list[int], raw: bytes) -> None:
    with pytest.raises(ValueError, match="tensor"):
        column_of(datatype, shape, raw)
