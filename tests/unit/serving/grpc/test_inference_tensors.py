import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from serving.contract.tensors import Array
from serving.errors import InvalidInput, WrongDtype, WrongShape
from serving.grpc import inference_pb2 as messages
from serving.grpc.inference_calls import decode_inputs
from serving.grpc.inference_tensors import array_of, datatype_name, fill_contents, fill_output, has_contents, raw_of

NUMERIC = ["bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "float32"]
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
Tensor = messages.ModelInferRequest.InferInputTensor


@given(st.sampled_from([*NUMERIC, "float64"]).flatmap(lambda dtype: hnp.arrays(dtype, SHAPES)))
def test_every_datatype_comes_back_as_it_went(array: Array) -> None:
    tensor = Tensor()
    fill_output(tensor, array)
    np.testing.assert_array_equal(array_of(tensor, raw_of(array), ""), array)
    if has_contents(array):
        fill_contents(tensor, array)
        back = array_of(Tensor.FromString(tensor.SerializeToString()), None, "")
        np.testing.assert_array_equal(back, array)
        assert back.dtype == array.dtype


@given(st.lists(st.binary(max_size=9), max_size=5))
def test_strings_come_back_as_they_went(strings: list[bytes]) -> None:
    array: Array = np.empty(len(strings), object)
    array[:] = strings
    tensor = Tensor()
    fill_output(tensor, array)
    fill_contents(tensor, array)
    assert array_of(tensor, raw_of(array), "").tolist() == strings
    assert array_of(tensor, None, "").tolist() == strings


@given(st.sampled_from(["BYTES", "FP32", "BOOL"]), st.lists(st.integers(-1, 9), max_size=3), st.binary(max_size=60))
def test_any_raw_bytes_are_an_array_or_an_error_that_says_where(kind: str, shape: list[int], raw: bytes) -> None:
    pointers = {"/inputs/x"}
    try:
        array_of(Tensor(datatype=kind, shape=shape), raw, "/inputs/x")
    except InvalidInput as error:
        pointers.add(error.pointer.removesuffix("/shape"))
    assert pointers == {"/inputs/x"}


@pytest.mark.parametrize(
    ("tensor", "raw", "kind"),
    [
        (Tensor(datatype="FP32", shape=[10**13]), None, WrongShape),
        (Tensor(datatype="FP32", shape=[10**13]), b"1234", WrongShape),
        (Tensor(datatype="FP32", shape=[2**62, 4]), b"", WrongShape),
        (Tensor(datatype="FP32", shape=[-1]), b"", WrongShape),
        (Tensor(datatype="FP32", shape=[1] * 40), b"1234", WrongShape),
        (Tensor(datatype="BYTES", shape=[1]), b"\x05\0\0\0abc", WrongShape),
        (Tensor(datatype="BYTES", shape=[1]), b"\x05\0", WrongShape),
        (Tensor(datatype="BYTES", shape=[2]), b"\x01\0\0\0a", WrongShape),
        (Tensor(datatype="FP16", shape=[1]), None, WrongDtype),
        (Tensor(datatype="COMPLEX", shape=[1]), None, WrongDtype),
        (
            Tensor(datatype="INT8", shape=[1], contents=messages.InferTensorContents(int_contents=[300])),
            None,
            WrongDtype,
        ),
    ],
)
def test_a_tensor_that_does_not_add_up_is_refused(tensor: Tensor, raw: bytes | None, kind: type[InvalidInput]) -> None:
    with pytest.raises(kind):
        array_of(tensor, raw, "/inputs/x")


def test_a_raw_bool_is_zero_or_not() -> None:
    assert array_of(Tensor(datatype="BOOL", shape=[3]), b"\0\1\7", "").tolist() == [False, True, True]


def test_raw_contents_are_for_all_inputs_or_none() -> None:
    with pytest.raises(InvalidInput) as refused:
        decode_inputs([Tensor(name="a"), Tensor(name="b")], [b""], ())
    assert refused.value.pointer == "/raw_input_contents"


def test_an_input_comes_once() -> None:
    twice = [Tensor(name="a", datatype="FP32", shape=[0])] * 2
    with pytest.raises(InvalidInput, match="twice"):
        decode_inputs(twice, [], ())


def test_datatypes_are_named_as_the_protocol_names_them() -> None:
    named = [datatype_name(each) for each in ("float32", "string", "bool", "float16", "int64")]
    assert named == ["FP32", "BYTES", "BOOL", "FP16", "INT64"]
