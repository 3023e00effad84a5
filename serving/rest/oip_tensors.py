"""The tensors of the Open Inference Protocol v2: datatypes, JSON data and the binary tensor extension, both ways.

Pure, and without copies where raw bytes allow it. Raw tensors are little-endian and row-major; a BYTES element is its
length in four bytes, then the bytes.
"""

import math
import struct
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.contract.open_inference import DATATYPES, WIRE_DTYPES
from serving.contract.tensors import NUMPY_DTYPES, Array, shape_text
from serving.errors import InvalidInput, WrongDtype, WrongShape
from serving.preprocessing.arrays import json_name, numeric_array

_WRITTEN = {NUMPY_DTYPES[name]: (datatype, WIRE_DTYPES.get(datatype)) for name, datatype in DATATYPES.items()}
"""By the dtype itself: numpy makes its name anew each time it is asked."""
_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class TensorHead:
    """What a request says of a tensor before its values; `pointer` is where it says so."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    pointer: str

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


def check_datatype(head: TensorHead) -> None:
    if head.datatype != "BYTES" and head.datatype not in WIRE_DTYPES:
        raise WrongDtype(
            f"{head.datatype[:32]!r} is no datatype read here; they are {', '.join([*WIRE_DTYPES, 'BYTES'])}",
            pointer=f"{head.pointer}/datatype",
        )


def from_json(head: TensorHead, data: object) -> Array:
    """The values of a JSON tensor, nested or flat in row-major order, as an array of the tensor's shape.

    Numbers come out as float64, int64 or bool, for the feature's own dtype is applied next. BYTES come out as an object
    array of `str`. Raises WrongDtype, WrongShape, OutOfRange.
    """
    pointer = f"{head.pointer}/data"
    if not isinstance(data, list):
        raise WrongDtype(f"`data` is {json_name(data)}; a list is expected", pointer=pointer)
    nested = len(head.shape) > 1 and bool(data) and isinstance(data[0], list)
    row_shape = head.shape[1:] if nested else ()
    expected = head.shape[0] if nested else head.elements
    if len(data) != expected:
        raise WrongShape(f"{len(data)} values where the shape {shape_text(head.shape)} has {expected}", pointer=pointer)
    if head.datatype == "BYTES":
        return _texts(head, data, len(row_shape))
    kind = {"f": "float64", "b": "bool"}.get(WIRE_DTYPES[head.datatype].kind, "int64")
    # which values may be NaN is the feature's to say, which takes the array next
    array = numeric_array(data, kind, row_shape, lambda row: f"{pointer}/{row}", allow_non_finite=True)
    return array.reshape(head.shape)


def _texts(head: TensorHead, data: list[object], depth: int) -> Array:
    flat: list[Any] = list(data)
    for _ in range(depth):
        if not all(isinstance(part, list) for part in flat):
            break
        flat = [leaf for part in flat if isinstance(part, list) for leaf in part]
    wrong = next((value for value in flat if not isinstance(value, str)), None)
    if wrong is not None or None in flat:
        raise WrongDtype(f"{json_name(wrong)} where a string is expected", pointer=f"{head.pointer}/data")
    if len(flat) != head.elements:
        raise WrongShape(f"{len(flat)} strings where the shape {shape_text(head.shape)} has {head.elements}",
                         pointer=f"{head.pointer}/data")  # fmt: skip
    return _objects(flat, head.shape)


def from_raw(head: TensorHead, raw: memoryview) -> Array:
    """The values of a raw tensor as a view of `raw`; BYTES as an object array of `bytes`. Raises WrongShape."""
    if head.datatype == "BYTES":
        return _objects(_elements(head, raw), head.shape)
    dtype = WIRE_DTYPES[head.datatype]
    if len(raw) != head.elements * dtype.itemsize:
        raise WrongShape(
            f"{len(raw)} bytes where {head.datatype} of shape {shape_text(head.shape)} has "
            f"{head.elements * dtype.itemsize}",
            pointer=head.pointer,
        )
    if head.datatype == "BOOL":  # any byte but 0 is true; numpy trusts them to be 0 or 1
        flags: Array = np.frombuffer(raw, np.uint8) != 0
        return flags.reshape(head.shape)
    return np.frombuffer(raw, dtype).reshape(head.shape)


def _elements(head: TensorHead, raw: memoryview) -> list[bytes]:
    values, position = [], 0
    while position < len(raw):
        start = position + _LENGTH.size
        position = start + (_LENGTH.unpack_from(raw, position)[0] if start <= len(raw) else 0)
        if start > len(raw) or position > len(raw):
            raise WrongShape("BYTES that end within an element", pointer=head.pointer)
        values.append(bytes(raw[start:position]))
    if len(values) != head.elements:
        raise WrongShape(
            f"{len(values)} elements where the shape {shape_text(head.shape)} has {head.elements}", pointer=head.pointer
        )
    return values


def _objects(values: Sequence[str | bytes], shape: tuple[int, ...]) -> Array:
    array: Array = np.empty(len(values), object)
    array[:] = list(values)
    return array.reshape(shape)


def datatype_of(array: Array) -> str:
    return _WRITTEN[array.dtype][0]


def to_raw(array: Array) -> bytes:
    """The array's raw bytes as the extension has them."""
    wire = _WRITTEN[array.dtype][1]
    if wire is not None:
        return np.asarray(array, wire).tobytes()
    return b"".join(_LENGTH.pack(len(value)) + value for value in array.ravel().tolist())


def to_json(array: Array) -> Array | list[str]:
    """Flat data, row-major. BYTES that are no UTF-8 come as base64: JSON has no other place for them."""
    if array.dtype != object:
        flat = np.ascontiguousarray(array).reshape(-1)
        return flat.astype(np.float32) if flat.dtype == np.float16 else flat
    return [_text(value) for value in array.ravel().tolist()]


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return b64encode(value).decode()


def split_body(body: bytes, length_header: bytes | None) -> tuple[bytes | memoryview, memoryview]:
    """The JSON and the raw tensors behind it, parted by `Inference-Header-Content-Length`. Raises InvalidInput."""
    if length_header is None:
        return body, memoryview(b"")
    if not length_header.isdigit() or len(length_header) > 12 or int(length_header) > len(body):
        raise InvalidInput("Inference-Header-Content-Length is not a number of bytes within the body")
    view = memoryview(body)
    return view[: int(length_header)], view[int(length_header) :]
