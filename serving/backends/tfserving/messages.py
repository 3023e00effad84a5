"""Arrays to PredictRequest and PredictResponse to arrays.

Pure. Requests are written byte by byte after protobuf's encoding (protobuf.dev, "Encoding"): a message object would
copy every tensor twice more, and everything but the tensors' own bytes is the same from one batch to the next. Answers
are read by the generated classes, and nothing in them is believed before it is checked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from serving.backend_protocol import Arrays, Target
from serving.backends.tensor_protos import DTYPE_NAMES, array_of
from serving.contract.tensors import NUMPY_DTYPES, Array, TensorSpec, shape_matches, shape_text
from serving.errors import BackendError, BackendRejected
from serving.protobuf_encoding import tagged, varint

# Tags: field number << 3 | wire type. predict.proto, model.proto, tensor.proto, tensor_shape.proto.
_REQUEST_SPEC, _REQUEST_INPUTS = 0x0A, 0x12
_SPEC_NAME, _SPEC_VERSION, _SPEC_SIGNATURE = 0x0A, 0x12, 0x1A
_KEY, _VALUE = 0x0A, 0x12
_DTYPE, _SHAPE, _CONTENT, _STRING = 0x08, 0x12, 0x22, 0x42
_DIM, _SIZE, _INT64 = 0x12, 0x08, 0x08

_NUMBERS: Mapping[np.dtype[np.generic], int] = {NUMPY_DTYPES[name]: number for number, name in DTYPE_NAMES.items()}
_STRINGS = NUMPY_DTYPES["string"]


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What every call for one target shares: the head of its requests, and what its answers must bring."""

    head: bytes
    outputs: tuple[TensorSpec, ...]
    max_tensor_bytes: int


def plan_call(target: Target, outputs: Sequence[TensorSpec], max_tensor_bytes: int) -> CallPlan:
    """`max_tensor_bytes` is what one output may take once a shortened list is repeated to its shape."""
    spec = (
        tagged(_SPEC_NAME, target.model.encode())
        + tagged(_SPEC_VERSION, bytes([_INT64]) + varint(target.version))
        + tagged(_SPEC_SIGNATURE, target.signature.encode())
    )
    return CallPlan(tagged(_REQUEST_SPEC, spec), tuple(outputs), max_tensor_bytes)


def encode_request(head: bytes, inputs: Arrays) -> bytes:
    """A serialized PredictRequest with every tensor as `tensor_content`; strings, which have none, in their list."""
    parts: list[Any] = [head]
    for name, array in inputs.items():
        if array.dtype == _STRINGS:
            parts.append(_string_input(name, array))
        else:
            parts.append(_before_content(name, array.dtype, array.shape))
            parts.append(array if array.flags.c_contiguous else array.tobytes())
    return b"".join(parts)


@lru_cache(maxsize=4096)
def _before_content(name: str, dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> bytes:
    """An input up to its tensor's own bytes; shapes are few, for batches have few sizes."""
    nbytes = prod(shape) * dtype.itemsize
    before = _tensor_head(dtype, shape) + bytes([_CONTENT]) + varint(nbytes)
    entry = tagged(_KEY, name.encode()) + bytes([_VALUE]) + varint(len(before) + nbytes) + before
    return bytes([_REQUEST_INPUTS]) + varint(len(entry) + nbytes) + entry


def _string_input(name: str, array: Array) -> bytes:
    values = b"".join([tagged(_STRING, value) for value in array.reshape(-1).tolist()])
    tensor = _tensor_head(array.dtype, array.shape) + values
    return tagged(_REQUEST_INPUTS, tagged(_KEY, name.encode()) + tagged(_VALUE, tensor))


def _tensor_head(dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> bytes:
    dims = b"".join([tagged(_DIM, bytes([_SIZE]) + varint(size)) for size in shape])
    return bytes([_DTYPE]) + varint(_NUMBERS[dtype]) + tagged(_SHAPE, dims)


def decode_response(response: Any, answer: bytes, plan: CallPlan, rows: int) -> dict[str, Array]:
    """The outputs that the plan names, `rows` rows each. `response` is the class PredictResponse.

    Raises BackendError for an answer that is none: the server is at fault then and not the input.
    """
    try:
        outputs = response.FromString(answer).outputs
        return {spec.name: _output(outputs, spec, rows, plan.max_tensor_bytes) for spec in plan.outputs}
    except DecodeError as error:
        raise BackendError("the model server answered with something that is no PredictResponse") from error
    except BackendRejected as error:
        raise BackendError(f"the model server answered with {error}") from error


def _output(outputs: Any, spec: TensorSpec, rows: int, max_bytes: int) -> Array:
    if spec.name not in outputs:
        raise BackendError(f"the model server answered without the output {spec.name}")
    tensor = outputs[spec.name]
    dtype = DTYPE_NAMES.get(tensor.dtype)
    if dtype != spec.dtype:
        raise BackendError(f"the model server answered {spec.name} as {dtype or tensor.dtype}, not as {spec.dtype}")
    shape = tuple([dimension.size for dimension in tensor.tensor_shape.dim])
    if not shape_matches(shape, (rows, *spec.row_shape)) or min(shape) < 0:
        wanted = shape_text((rows, *spec.row_shape))
        raise BackendError(f"the model server answered {spec.name} with the shape {shape_text(shape)}, not {wanted}")
    if prod(shape) * NUMPY_DTYPES[dtype].itemsize > max_bytes:
        raise BackendError(f"the model server answered {spec.name} with more than {max_bytes} bytes of values")
    return array_of(tensor)
