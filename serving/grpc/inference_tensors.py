"""The Open Inference Protocol's tensors to numpy arrays and back, raw bytes or typed contents.

Pure. Sizes are checked before anything is allocated. Raw tensors are little-endian and row-major, BOOL one byte each,
BYTES each a 4-byte length and then its bytes.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from serving.contract.open_inference import BYTES, DATATYPES, WIRE_DTYPES
from serving.contract.tensors import Array, shape_text
from serving.errors import WrongDtype, WrongShape

_MOST_DIMENSIONS = 32
_LISTS: Mapping[str, str] = MappingProxyType(
    {
        "BOOL": "bool_contents",
        "UINT8": "uint_contents",
        "UINT16": "uint_contents",
        "UINT32": "uint_contents",
        "UINT64": "uint64_contents",
        "INT8": "int_contents",
        "INT16": "int_contents",
        "INT32": "int_contents",
        "INT64": "int64_contents",
        "FP16": "",
        "FP32": "fp32_contents",
        "FP64": "fp64_contents",
        BYTES: "bytes_contents",
    }
)
"""By datatype, where InferTensorContents has its values; float16 has raw bytes only."""
_DTYPES: Mapping[str, tuple[np.dtype[np.generic], str]] = MappingProxyType(
    {name: (WIRE_DTYPES.get(name, np.dtype(object)), contents) for name, contents in _LISTS.items()}
)
_NAMES: Mapping[np.dtype[np.generic], str] = MappingProxyType({dtype: name for name, (dtype, _) in _DTYPES.items()})


def datatype_name(contract_dtype: str) -> str:
    """The protocol's name of a dtype of the contract: float32 is FP32."""
    return DATATYPES[contract_dtype]


def array_of(tensor: Any, raw: bytes | None, pointer: str) -> Array:
    """An InferInputTensor as an array of its shape. Raises WrongDtype and WrongShape."""
    found = _DTYPES.get(tensor.datatype)
    if found is None:
        raise WrongDtype(
            f"datatype {tensor.datatype[:16]!r}; there are {', '.join(_DTYPES)}", pointer=f"{pointer}/datatype"
        )
    dtype, contents = found
    shape = tuple(tensor.shape)
    if len(shape) > _MOST_DIMENSIONS or (shape and min(shape) < 0):
        raise WrongShape(
            f"{len(shape)} dimensions; at most {_MOST_DIMENSIONS} are read, none of them negative",
            pointer=f"{pointer}/shape",
        )
    size = math.prod(shape)
    if raw is not None:
        return _from_raw(raw, dtype, size, pointer).reshape(shape)
    if not contents:
        raise WrongDtype("FP16 travels in raw_input_contents only", pointer=f"{pointer}/datatype")
    values = getattr(tensor.contents, contents)
    if len(values) != size:
        raise WrongShape(
            f"{len(values)} values in {contents} where the shape {shape_text(shape)} takes {size}", pointer=pointer
        )
    return _from_contents(values, dtype, pointer).reshape(shape)


def fill_output(tensor: Any, array: Array) -> None:
    """Datatype and shape of an answer's tensor."""
    tensor.datatype = _NAMES[array.dtype]
    tensor.shape.extend(array.shape)


def fill_contents(tensor: Any, array: Array) -> None:
    getattr(tensor.contents, _DTYPES[_NAMES[array.dtype]][1]).extend(array.reshape(-1).tolist())


def has_contents(array: Array) -> bool:
    """Whether the typed contents have a field for the dtype; float16 has none."""
    return bool(_DTYPES[_NAMES[array.dtype]][1])


def raw_of(array: Array) -> bytes:
    if array.dtype != object:
        return array.tobytes()
    return b"".join(len(value).to_bytes(4, "little") + value for value in array.reshape(-1).tolist())


def _from_raw(raw: bytes, dtype: np.dtype[np.generic], size: int, pointer: str) -> Array:
    if dtype.kind == "O":
        values = list(_strings(raw, pointer))
        if len(values) != size:
            raise WrongShape(f"{len(values)} strings where the shape takes {size}", pointer=pointer)
        return _objects(values)
    if len(raw) != size * dtype.itemsize:
        raise WrongShape(f"{len(raw)} raw bytes where the shape takes {size * dtype.itemsize}", pointer=pointer)
    if dtype.kind == "b":
        flags: Array = np.frombuffer(raw, np.uint8) != 0  # a byte that is neither 0 nor 1 would be an undefined bool
        return flags
    return np.frombuffer(raw, dtype)


def _strings(raw: bytes, pointer: str) -> Iterator[bytes]:
    position = 0
    while position < len(raw):
        start = position + 4
        position = start + int.from_bytes(raw[position:start], "little")
        if start > len(raw) or position > len(raw):
            raise WrongShape("the raw bytes end within a string", pointer=pointer)
        yield raw[start:position]


def _from_contents(values: Any, dtype: np.dtype[np.generic], pointer: str) -> Array:
    if dtype.kind == "O":
        return _objects(list(values))
    array: Array = np.array(values)
    if dtype.kind in "iu" and len(array):
        limits = np.iinfo(dtype.name)
        if int(array.min()) < limits.min or int(array.max()) > limits.max:
            raise WrongDtype(f"a value outside what {dtype} holds", pointer=pointer)
    return array.astype(dtype, copy=False)


def _objects(values: Sequence[bytes]) -> Array:
    array: Array = np.empty(len(values), object)
    array[:] = values
    return array
