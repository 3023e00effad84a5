from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.backend_protocol import Target
from serving.backends.tensor_protos import array_of
from serving.backends.tensorflow_messages import message_module
from serving.backends.tfserving.messages import decode_response, encode_request, plan_call
from serving.contract.tensors import NUMPY_DTYPES, Array, TensorSpec
from serving.errors import BackendError, BackendRejected
from tests.unit.serving.backends.protos import tensor

PREDICT = message_module("tensorflow_serving.apis.predict_pb2")
FLOATS = TensorSpec("y", "float32", (2,))
TARGET = Target("digits", 3, "serving_default")
MOST_BYTES = 1000


def read(inputs: dict[str, Array], target: Target = TARGET) -> Any:
    return PREDICT.PredictRequest.FromString(encode_request(plan_call(target, (), MOST_BYTES).head, inputs))


def array_of_dtype(dtype: str, shape: tuple[int, ...]) -> Array:
    if dtype == "string":
        flat: Array = np.empty(int(np.prod(shape)), object)
        flat[:] = [b"\x00\xff" * (index * 40) for index in range(len(flat))]
        return flat.reshape(shape)
    return (np.arange(int(np.prod(shape))).reshape(shape) % 2).astype(NUMPY_DTYPES[dtype])


@given(st.sampled_from(sorted(NUMPY_DTYPES)), st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_tensorflow_reads_what_is_written(dtype: str, shape: list[int]) -> None:
    sent = array_of_dtype(dtype, tuple(shape))
    received = array_of(read({"x": sent}).inputs["x"])
    assert (received.dtype, received.shape) == (sent.dtype, sent.shape)
    assert received.tolist() == sent.tolist()


@given(st.text(min_size=1, max_size=300), st.integers(1, 2**63 - 1), st.text(max_size=300))
def test_the_target_is_named_whole(model: str, version: int, signature: str) -> None:
    spec = read({"x": np.zeros((1, 2), np.float32)}, Target(model, version, signature)).model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == (model, version, signature)


def test_it_is_what_the_generated_classes_would_have_written() -> None:
    message = PREDICT.PredictRequest()
    message.model_spec.name, message.model_spec.signature_name = TARGET.model, TARGET.signature
    message.model_spec.version.value = TARGET.version
    array: Array = np.arange(600, dtype=np.float32).reshape(3, 200)
    message.inputs["x"].CopyFrom(tensor("float32", (3, 200), tensor_content=array.tobytes()))
    assert encode_request(plan_call(TARGET, (), MOST_BYTES).head, {"x": array}) == message.SerializeToString()


def test_several_inputs_and_those_that_lie_apart_in_memory() -> None:
    apart: Array = np.arange(24, dtype=np.int64).reshape(4, 6)[:, ::2]
    received = read({"a": apart, "b": np.zeros((4, 1), np.bool_)}).inputs
    assert array_of(received["a"]).tolist() == apart.tolist()
    assert array_of(received["b"]).tolist() == [[False]] * 4


def answer(**outputs: Any) -> bytes:
    message = PREDICT.PredictResponse()
    for name, proto in outputs.items():
        message.outputs[name].CopyFrom(proto)
    return bytes(message.SerializeToString())


def decode(received: bytes, *specs: TensorSpec, rows: int = 2) -> dict[str, Array]:
    return decode_response(PREDICT.PredictResponse, received, plan_call(TARGET, specs, MOST_BYTES), rows)


def test_either_form_of_an_answer_is_read_and_what_nobody_asked_for_is_left() -> None:
    listed = tensor("float32", (2, 2), float_val=[1.0, 2.0])
    content = tensor("int64", (2,), tensor_content=np.array([7, 8]).tobytes())
    found = decode(answer(y=listed, n=content, extra=listed), FLOATS, TensorSpec("n", "int64", ()))
    assert {name: array.tolist() for name, array in found.items()} == {"y": [[1.0, 2.0], [2.0, 2.0]], "n": [7, 8]}


@pytest.mark.parametrize(
    ("received", "reason"),
    [
        (b"\xff\xff\xff", "no PredictResponse"),
        (b"", "without the output y"),
        (answer(z=tensor("float32", (2, 2), float_val=[1.0])), "without the output y"),
        (answer(y=tensor("int64", (2, 2), int64_val=[1])), "as int64, not as float32"),
        (answer(y=tensor("float32", (3, 2), float_val=[1.0])), r"\[3, 2\], not \[2, 2\]"),
        (answer(y=tensor("float32", (2, 3), float_val=[1.0])), r"\[2, 3\], not \[2, 2\]"),
        (answer(y=tensor("float32", (), float_val=[1.0])), r"\[\], not \[2, 2\]"),
        (answer(y=tensor("float32", (2, 2), float_val=[1.0] * 5)), "do not fill"),
        (answer(y=tensor("float32", (2, 2))), "do not fill"),
        (answer(y=tensor("float32", (2, 2), tensor_content=b"123")), "do not fill"),
    ],
)
def test_an_answer_that_is_none_is_the_servers_fault(received: bytes, reason: str) -> None:
    with pytest.raises(BackendError, match=reason) as raised:
        decode(received, FLOATS)
    assert not isinstance(raised.value, BackendRejected)  # which would be cut in half and sent again


def test_a_shape_that_claims_more_than_a_message_holds_is_never_allocated() -> None:
    huge = tensor("float32", (2, 10**13), float_val=[1.0])
    with pytest.raises(BackendError, match="more than 1000 bytes"):
        decode(answer(y=huge), TensorSpec("y", "float32", (None,)))


def test_a_negative_size_is_no_shape() -> None:
    with pytest.raises(BackendError, match="not"):
        decode(answer(y=tensor("float32", (2, -1), float_val=[1.0])), TensorSpec("y", "float32", (None,)))
