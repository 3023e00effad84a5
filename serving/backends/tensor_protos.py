"""tensorflow.TensorProto to numpy arrays, whichever of its two forms the writer chose.

Pure. `tensor_content` holds raw little-endian bytes, of strings their lengths as varints and then their bytes
(EncodeStringList in tensorflow/core/platform/coding.cc); the typed lists may be shorter than the shape, and then their
last value repeats (tensorflow/core/framework/tensor.proto).
"""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from serving.contract.tensors import NUMPY_DTYPES, Array
from serving.errors import BackendRejected

# The numbers of tensorflow/core/framework/types.proto.
DTYPE_NAMES: Mapping[int, str] = MappingProxyType(
    {1: "float32", 2: "float64", 3: "int32", 4: "uint8", 7: "string", 9: "int64", 10: "bool", 19: "float16"}
)
_TYPED_LIST = {
    "float32": "float_val",
    "float64": "double_val",
    "int32": "int_val",
    "uint8": "int_val",
    "string": "string_val",
    "int64": "int64_val",
    "bool": "bool_val",
    "float16": "half_val",
}


def array_of(tensor: Any) -> Array:
    """The tensor as an array of its shape; raises BackendRejected for a dtype or a length that does not fit."""
    name = DTYPE_NAMES.get(tensor.dtype)
    if name is None:
        raise BackendRejected(f"a tensor of TensorFlow's dtype number {tensor.dtype}, which is not read here")
    shape = tuple(dimension.size for dimension in tensor.tensor_shape.dim)
    try:
        if tensor.tensor_content and name == "string":
            return _from_string_content(tensor.tensor_content, math.prod(shape)).reshape(shape)
        if tensor.tensor_content:
            return np.frombuffer(tensor.tensor_content, NUMPY_DTYPES[name]).reshape(shape)
        return _from_typed_list(getattr(tensor, _TYPED_LIST[name]), name, shape)
    except (ValueError, OverflowError) as error:
        raise BackendRejected(f"a tensor whose values do not fill its shape {list(shape)} of {name}") from error


def _from_typed_list(values: Any, name: str, shape: tuple[int, ...]) -> Array:
    dtype = NUMPY_DTYPES[name]
    flat = np.empty(math.prod(shape), dtype)
    if name == "float16":  # half_val carries the 16 bits as integers
        given: Array = np.array(values, np.uint16).view(np.float16)
    else:
        given = np.empty(len(values), dtype)
        given[:] = list(values)
    if len(given) > len(flat) or (len(flat) and not len(given)):
        raise ValueError(len(given))
    flat[: len(given)] = given
    if len(given) < len(flat):
        flat[len(given) :] = given[-1]
    return flat.reshape(shape)


def _from_string_content(content: bytes, size: int) -> Array:
    lengths, position = [], 0
    for _ in range(size):
        length = shift = 0
        while True:
            byte = content[position] if position < len(content) else -1
            position += 1
            if byte < 0 or shift > 28:
                raise ValueError(position)
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        lengths.append(length)
    if position + sum(lengths) != len(content):
        raise ValueError(len(content))
    flat: Array = np.empty(size, object)
    for index, length in enumerate(lengths):
        flat[index] = content[position : position + length]
        position += length
    return flat
