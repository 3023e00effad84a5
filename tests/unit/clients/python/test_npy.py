"""NumPy's file format, written and read without NumPy; NumPy itself judges."""

import io
from typing import Any

import numpy as np
import pytest
from penstock_client.npy import NpyValues, is_number_array, read_npy, write_npy, write_npy_rows

NUMBERS = np.arange(24).reshape(2, 3, 4)
DTYPES = ("?", "i1", "<i2", ">i4", "<i8", "u1", "<u2", "<u4", ">u8", "<f2", "<f4", ">f8")


def file_of(array: Any, version: tuple[int, int] | None = None) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    return file.getvalue()


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_written_is_what_numpy_reads(dtype: str) -> None:
    for array in (NUMBERS.astype(dtype), NUMBERS.astype(dtype)[:, ::2].T):
        found = np.load(io.BytesIO(write_npy(array)))
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)


def test_values_begin_where_they_are_aligned() -> None:
    assert (len(write_npy(NUMBERS)) - NUMBERS.nbytes) % 64 == 0


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_numpy_writes_is_read_by_row(dtype: str, version: tuple[int, int]) -> None:
    array = NUMBERS.astype(dtype)
    values = read_npy(file_of(array, version))
    assert (len(values), values.shape) == (2, (2, 3, 4))
    assert [values[0], values[1]] == array.tolist()


def test_rows_may_be_single_numbers() -> None:
    values = read_npy(file_of(np.array([1.5, 2.5])))
    assert [values[0], values[1]] == [1.5, 2.5]
    with pytest.raises(IndexError):
        _ = values[2]


def test_numpy_takes_the_values_over_as_they_are() -> None:
    values = read_npy(file_of(NUMBERS.astype(np.float32)))
    found = np.asarray(values)
    np.testing.assert_array_equal(found, NUMBERS.astype(np.float32))
    assert not found.flags.owndata


def test_rows_of_one_kind_become_one_array() -> None:
    np.testing.assert_array_equal(np.load(io.BytesIO(write_npy_rows([*NUMBERS]) or b"")), NUMBERS)
    assert write_npy_rows([np.zeros(2), np.zeros(3)]) is None
    assert write_npy_rows([np.zeros(2), np.zeros(2, np.float32)]) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        file_of(np.zeros(3))[:-1],
        file_of(np.zeros(3))[:20],
        file_of(np.asfortranarray(np.zeros((2, 2)))),
        file_of(np.array("text")),
        file_of(np.zeros(())),
        b"PNG  " + file_of(np.zeros(3))[5:],
        file_of(np.zeros(3)).replace(b"'shape': (3,)", b"'shape': 'a' "),
        file_of(np.zeros(3)).replace(b"'shape': (3,)", b"'shape': (3, "),
    ],
)
def test_what_is_no_file_of_rows_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"npy|bytes of values"):
        read_npy(body)


@pytest.mark.parametrize(
    ("value", "known"),
    [
        (np.zeros(3), True),
        (np.zeros((2, 2), np.uint8), True),
        (np.float32(1), False),
        (np.array(1.0), False),
        (np.array(["a"]), False),
        (np.array([None]), False),
        (np.array(["2020-01-01"], "M8[D]"), False),
        ([1.0], False),
        (b"123", False),
    ],
)
def test_arrays_of_numbers_are_known_by_their_attributes(value: Any, known: bool) -> None:  # noqa: FBT001 - a table
    assert is_number_array(value) is known


def test_values_of_one_shape_share_their_layout() -> None:
    assert isinstance(read_npy(file_of(np.zeros((0, 3)))), NpyValues)
