from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from serving.backends.tensor_protos import DTYPE_NAMES, array_of
from serving.contract.tensors import NUMPY_DTYPES, Array
from serving.errors import BackendRejected
from tests.unit.serving.backends.protos import NUMBERS, tensor

FIELDS = {
    "float32": "float_val", "float64": "double_val", "int32": "int_val", "uint8": "int_val", "int64": "int64_val",
    "bool": "bool_val", "float16": "half_val", "string": "string_val",
}  # fmt: skip
SHAPES = arrays_of.array_shapes(min_dims=0, max_dims=3, max_side=4)


def arrays(name: str) -> st.SearchStrategy[Array]:
    if name == "string":
        return arrays_of.arrays(object, SHAPES, elements=st.binary(max_size=5))
    return arrays_of.arrays(NUMPY_DTYPES[name], SHAPES)


def typed_list(name: str, array: Array) -> dict[str, Any]:
    flat: Any = array.view(np.uint16) if name == "float16" else array
    return {FIELDS[name]: flat.ravel().tolist()}


def assert_reads_as(proto: Any, array: Array) -> None:
    read = array_of(proto)
    assert (read.dtype, read.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(read, array)


def test_every_dtype_of_the_contract_is_read() -> None:
    assert sorted(DTYPE_NAMES.values()) == sorted(NUMPY_DTYPES) == sorted(FIELDS)
    assert {name: number for number, name in DTYPE_NAMES.items()} == NUMBERS


@pytest.mark.parametrize("name", sorted(FIELDS))
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_typed_lists_round_trip(name: str, data: st.DataObject) -> None:
    array = data.draw(arrays(name))
    assert_reads_as(tensor(name, array.shape, **typed_list(name, array)), array)


@pytest.mark.parametrize("name", sorted(FIELDS.keys() - {"string"}))
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_tensor_content_round_trips(name: str, data: st.DataObject) -> None:
    array = data.draw(arrays(name))
    assert_reads_as(tensor(name, array.shape, tensor_content=array.tobytes()), array)


def string_content(strings: list[bytes]) -> bytes:
    """As TensorFlow encodes them: every length as a varint, then every string."""
    lengths = b"".join(
        bytes([len(each) & 0x7F | 0x80, len(each) >> 7]) if len(each) > 0x7F else bytes([len(each)]) for each in strings
    )
    return lengths + b"".join(strings)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5))
def test_strings_in_tensor_content_are_read(strings: list[bytes]) -> None:
    proto = tensor("string", (len(strings), 1), tensor_content=string_content(strings))
    assert array_of(proto).tolist() == [[each] for each in strings]


@pytest.mark.parametrize("content", [b"\x03ab", b"\x01ab", b"\x80", b"\xff\xff\xff\xff\xff\x01a", b"\x01"])
def test_strings_that_do_not_fill_tensor_content_are_refused(content: bytes) -> None:
    with pytest.raises(BackendRejected, match="do not fill"):
        array_of(tensor("string", (1,), tensor_content=content))


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_a_shortened_list_repeats_its_last_value(name: str) -> None:
    whole = np.array([b"a", b"b", b"b", b"b"] if name == "string" else [0, 1, 1, 1]).astype(NUMPY_DTYPES[name])
    assert_reads_as(tensor(name, [2, 2], **typed_list(name, whole[:2])), whole.reshape(2, 2))


@pytest.mark.parametrize("name", ["float32", "float64", "float16", "bool", "string"])
def test_a_tensor_without_elements_is_empty(name: str) -> None:
    assert_reads_as(tensor(name, [0, 3]), np.empty((0, 3), NUMPY_DTYPES[name]))


@pytest.mark.parametrize("name", ["int32", "int64", "uint8"])
def test_an_integer_tensor_without_elements_is_empty(name: str) -> None:
    assert_reads_as(tensor(name, [0, 3]), np.empty((0, 3), NUMPY_DTYPES[name]))


def test_a_value_outside_its_dtype_is_rejected() -> None:
    with pytest.raises(BackendRejected):
        array_of(tensor("uint8", [1], int_val=[300]))


@pytest.mark.parametrize(
    "values",
    [
        {"float_val": [1.0, 2.0, 3.0]},
        {"float_val": []},
        {"tensor_content": b"\0" * 4},
        {"tensor_content": b"\0" * 7},
        {"double_val": [1.0]},
    ],
    ids=["too many", "none", "content too short", "content cut", "another dtype's list"],
)
def test_values_that_do_not_fill_the_shape_are_rejected(values: dict[str, Any]) -> None:
    with pytest.raises(BackendRejected, match=r"do not fill its shape \[2\]"):
        array_of(tensor("float32", [2], **values))


def test_a_shape_with_an_unknown_size_is_rejected() -> None:
    with pytest.raises(BackendRejected):
        array_of(tensor("float32", [-1], float_val=[1.0]))


def test_a_string_tensor_has_no_content_bytes() -> None:
    with pytest.raises(BackendRejected):
        array_of(tensor("string", [1], tensor_content=b"abc"))


def test_a_dtype_that_is_not_the_contracts_is_rejected_by_number() -> None:
    proto = tensor("float32", [1], float_val=[1.0])
    proto.dtype = 14  # DT_BFLOAT16
    with pytest.raises(BackendRejected, match="number 14"):
        array_of(proto)
