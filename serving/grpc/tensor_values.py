"""tensorflow.TensorProto to numpy arrays and back, every dtype that a request may bring.

Pure. Sizes are checked before anything is allocated: a shape is a few bytes that may claim any number of values.
`tensor_content` holds raw little-endian bytes; the typed lists may be shorter than the shape, and then their last value
repeats (tensorflow/core/framework/tensor.proto).
"""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from serving.contract.tensors import Array, shape_text
from serving.errors import PayloadTooLarge, WrongDtype, WrongShape

STRING = 7
BFLOAT16 = 14
_MOST_DIMENSIONS = 32

# The numbers of tensorflow/core/framework/types.proto, with the typed list of each.
_DTYPES: Mapping[int, tuple[np.dtype[np.generic], str]] = MappingProxyType(
    {
        1: (np.dtype(np.float32), "float_val"),
        2: (np.dtype(np.float64), "double_val"),
        3: (np.dtype(np.int32), "int_val"),
        4: (np.dtype(np.uint8), "int_val"),
        5: (np.dtype(np.int16), "int_val"),
        6: (np.dtype(np.int8), "int_val"),
        STRING: (np.dtype(object), "string_val"),
        9: (np.dtype(np.int64), "int64_val"),
        10: (np.dtype(np.bool_), "bool_val"),
        BFLOAT16: (np.dtype(np.uint16), "half_val"),
        17: (np.dtype(np.uint16), "int_val"),
        19: (np.dtype(np.float16), "half_val"),
        22: (np.dtype(np.uint32), "uint32_val"),
        23: (np.dtype(np.uint64), "uint64_val"),
    }
)
DTYPE_NUMBERS: Mapping[np.dtype[np.generic], int] = MappingProxyType(
    {dtype: number for number, (dtype, _) in _DTYPES.items() if number != BFLOAT16}
)


def array_of(tensor: Any, pointer: str, max_bytes: int) -> Array:
    """The tensor as an array of its shape; strings as `object` holding bytes, bfloat16 as float32.

    Raises WrongDtype, WrongShape, and PayloadTooLarge for a tensor that would take more than `max_bytes`.
    """
    found = _DTYPES.get(tensor.dtype)
    if found is None:
        raise WrongDtype(
            f"a tensor of TensorFlow's dtype number {tensor.dtype}, which is not read here", pointer=pointer
        )
    dtype, typed_list = found
    shape = _shape(tensor.tensor_shape, pointer)
    size = math.prod(shape)
    content = tensor.tensor_content
    if not content:
        _check_bytes(size * dtype.itemsize, max_bytes, pointer)
        flat = _from_list(getattr(tensor, typed_list), tensor.dtype, dtype, size, pointer)
    elif tensor.dtype == STRING:
        flat = _from_strings(content, size, pointer)
    elif len(content) != size * dtype.itemsize:
        wanted = f"{shape_text(shape)} takes {size * dtype.itemsize}"
        raise WrongShape(f"{len(content)} bytes of tensor_content where the shape {wanted}", pointer=pointer)
    else:
        flat = np.frombuffer(content, dtype)
    if tensor.dtype == BFLOAT16:
        flat = (flat.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return flat.reshape(shape)


def is_larger(tensor: Any, nbytes: int) -> bool:
    """Whether the values sent, in whichever form, take more than `nbytes`; a string counts as 8."""
    found = _DTYPES.get(tensor.dtype)
    return len(tensor.tensor_content) > nbytes or (
        found is not None and len(getattr(tensor, found[1])) * found[0].itemsize > nbytes
    )


def fill_tensor(tensor: Any, array: Array, *, as_content: bool) -> None:
    """`array` into an empty TensorProto: as a typed list, which every client reads, or as `tensor_content`, which is
    quicker for large ones. Strings always travel in their list.
    """
    number = DTYPE_NUMBERS[array.dtype]
    tensor.dtype = number
    dimensions = tensor.tensor_shape.dim
    for size in array.shape:
        dimensions.add().size = size
    if as_content and number != STRING:
        tensor.tensor_content = array.tobytes()
        return
    flat: Array = array.reshape(-1)
    if array.dtype == np.float16:
        flat = flat.view(np.uint16)  # half_val carries the 16 bits as integers
    getattr(tensor, _DTYPES[number][1]).extend(flat.tolist())


def _shape(proto: Any, pointer: str) -> tuple[int, ...]:
    if len(proto.dim) > _MOST_DIMENSIONS:
        raise WrongShape(f"{len(proto.dim)} dimensions; at most {_MOST_DIMENSIONS} are read", pointer=pointer)
    shape = tuple([dimension.size for dimension in proto.dim])
    if proto.unknown_rank or (shape and min(shape) < 0):
        raise WrongShape("the shape of a tensor with values must be known, every size of it", pointer=pointer)
    return shape


def _check_bytes(nbytes: int, max_bytes: int, pointer: str) -> None:
    if nbytes > max_bytes:
        raise PayloadTooLarge(
            f"the shape claims {nbytes} bytes of values; at most {max_bytes} are read", pointer=pointer
        )


def _from_list(values: Any, number: int, dtype: np.dtype[np.generic], size: int, pointer: str) -> Array:
    given = len(values)
    if given > size or (size and not given):
        raise WrongShape(f"{given} values where the shape takes {size}", pointer=pointer)
    if number == STRING:
        flat: Array = np.empty(size, dtype)
        flat[:given] = list(values)
    elif number == 19:
        flat = np.empty(size, np.uint16)
        flat[:given] = _cast(values, flat.dtype, pointer)
        flat = flat.view(np.float16)
    else:
        flat = np.empty(size, dtype)
        flat[:given] = _cast(values, dtype, pointer)
    if 0 < given < size:
        flat[given:] = flat[given - 1]
    return flat


def _cast(values: Any, dtype: np.dtype[np.generic], pointer: str) -> Array:
    """A packed list's values; the integer lists are wider than some dtypes that use them."""
    array: Array = np.array(values)
    if not len(array):
        return array.astype(dtype)
    if dtype.kind in "iu" and array.dtype != dtype:
        limits = np.iinfo(dtype.name)
        low, high = int(array.min()), int(array.max())
        if low < limits.min or high > limits.max:
            raise WrongDtype(f"a value outside what {dtype} holds", pointer=pointer)
    return array.astype(dtype, copy=False)


def _from_strings(content: bytes, size: int, pointer: str) -> Array:
    """TensorFlow's own form of strings in `tensor_content`: all lengths as varints, then all bytes."""
    if size > len(content):
        raise WrongShape(f"{len(content)} bytes of tensor_content cannot hold {size} strings", pointer=pointer)
    lengths, position = [], 0
    flat: Array = np.empty(size, object)
    for _ in range(size):
        length, position = _read_varint(content, position, pointer)
        lengths.append(length)
    if position + sum(lengths) != len(content):
        raise WrongShape("the lengths of the strings do not fill tensor_content", pointer=pointer)
    for index, length in enumerate(lengths):
        flat[index] = content[position : position + length]
        position += length
    return flat


def _read_varint(content: bytes, position: int, pointer: str) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if position >= len(content):
            break
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise WrongShape("tensor_content does not hold the lengths of its strings", pointer=pointer)
