from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from serving.backends.tensorflow_messages import message_module
from serving.contract.tensors import Array
from serving.errors import InvalidInput, PayloadTooLarge, WrongDtype, WrongShape
from serving.grpc.tensor_values import DTYPE_NUMBERS, array_of, fill_tensor, is_larger

MOST = 1 << 20
TensorProto = message_module("tensorflow.core.framework.tensor_pb2").TensorProto
NUMERIC = [dtype for dtype in DTYPE_NUMBERS if dtype.kind != "O"]
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


def proto(dtype: int, *shape: int, **values: Any) -> Any:
    made = TensorProto(dtype=dtype, **values)
    for size in shape:
        made.tensor_shape.dim.add(size=size)
    return made


@given(array=st.sampled_from(NUMERIC).flatmap(lambda dtype: hnp.arrays(dtype, SHAPES)), as_content=st.booleans())
def test_every_dtype_comes_back_as_it_went(array: Array, *, as_content: bool) -> None:
    tensor = TensorProto()
    fill_tensor(tensor, array, as_content=as_content)
    back = array_of(TensorProto.FromString(tensor.SerializeToString()), "", MOST)
    np.testing.assert_array_equal(back, array)
    assert back.dtype == array.dtype


@given(st.lists(st.binary(max_size=9), max_size=5))
def test_strings_come_back_as_they_went(strings: list[bytes]) -> None:
    array: Array = np.array(strings, object)
    tensor = TensorProto()
    fill_tensor(tensor, array, as_content=True)
    assert array_of(tensor, "", MOST).tolist() == strings


@given(st.binary(max_size=200))
def test_any_message_is_an_array_or_an_error_that_says_where(data: bytes) -> None:
    tensor = TensorProto()
    with suppress(DecodeError):
        tensor.MergeFromString(data)
    pointers = {"/inputs/x"}
    try:
        array_of(tensor, "/inputs/x", MOST)
    except InvalidInput as error:
        pointers.add(error.pointer)
    assert pointers == {"/inputs/x"}


def test_strings_in_tensor_content_are_lengths_then_bytes() -> None:
    assert array_of(proto(7, 2, tensor_content=b"\x01\x03abcd"), "", MOST).tolist() == [b"a", b"bcd"]


@pytest.mark.parametrize("content", [b"\x01\x04abcd", b"\x80\x80", b"\x01\x02abcd", b"\xff" * 20])
def test_strings_that_do_not_fill_tensor_content_are_refused(content: bytes) -> None:
    with pytest.raises(WrongShape):
        array_of(proto(7, 2, tensor_content=content), "/inputs/x", MOST)


def test_a_short_list_repeats_its_last_value() -> None:
    assert array_of(proto(1, 2, 2, float_val=[1, 2]), "", MOST).tolist() == [[1, 2], [2, 2]]
    assert array_of(proto(7, 3, string_val=[b"a"]), "", MOST).tolist() == [b"a"] * 3


def test_bfloat16_is_read_as_float32() -> None:
    assert array_of(proto(14, 2, half_val=[0x3F80, 0xC000]), "", MOST).tolist() == [1.0, -2.0]
    assert array_of(proto(14, 1, tensor_content=b"\x80\x3f"), "", MOST).tolist() == [1.0]


@pytest.mark.parametrize("shape", [(10**13,), (2**62, 4), (1 << 18, 2)])
def test_a_shape_that_claims_more_than_allowed_is_refused_before_anything_is_allocated(shape: tuple[int, ...]) -> None:
    with pytest.raises(PayloadTooLarge):
        array_of(proto(1, *shape, float_val=[1]), "", MOST)


@pytest.mark.parametrize(
    ("tensor", "kind"),
    [
        (proto(8, 1, tensor_content=b"12345678"), WrongDtype),
        (proto(0, 1), WrongDtype),
        (proto(1, 2, tensor_content=b"1234"), WrongShape),
        (proto(1, 10**30 % 2**40, tensor_content=b"1234"), WrongShape),
        (proto(1, 2), WrongShape),
        (proto(1, 1, float_val=[1, 2]), WrongShape),
        (proto(1, -1, float_val=[1]), WrongShape),
        (proto(1, *[1] * 40, float_val=[1]), WrongShape),
        (proto(4, 1, int_val=[300]), WrongDtype),
        (proto(7, 10**12, tensor_content=b"1234"), WrongShape),
    ],
)
def test_a_tensor_that_does_not_add_up_is_refused(tensor: Any, kind: type[InvalidInput]) -> None:
    with pytest.raises(kind):
        array_of(tensor, "", MOST)


def test_unknown_rank_is_refused() -> None:
    tensor = proto(1, float_val=[1])
    tensor.tensor_shape.unknown_rank = True
    with pytest.raises(WrongShape):
        array_of(tensor, "", MOST)


@pytest.mark.parametrize("form", [{"tensor_content": bytes(400)}, {"float_val": [0.0] * 100}])
def test_both_forms_count_as_what_they_hold(form: dict[str, Any]) -> None:
    assert is_larger(proto(1, 100, **form), 399)
    assert not is_larger(proto(1, 100, **form), 400)
    assert not is_larger(proto(99, 100), 0)
