"""A tensor of an answer as a column of rows: numbers stay where they lie until somebody looks at them.

Pure.
"""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from penstock_client.npy import NpyValues
from penstock_client.predictions import Column

_DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "BOOL": "|b1",
        "UINT8": "|u1",
        "UINT16": "<u2",
        "UINT32": "<u4",
        "UINT64": "<u8",
        "INT8": "|i1",
        "INT16": "<i2",
        "INT32": "<i4",
        "INT64": "<i8",
        "FP16": "<f2",
        "FP32": "<f4",
        "FP64": "<f8",
    }
)
"""What NumPy calls the protocol's datatypes."""


def column_of(datatype: str, shape: Sequence[int], raw: bytes) -> Column:
    """Raises KeyError and ValueError for a tensor that is none. Strings are text where they are UTF-8, else bytes."""
    if datatype == "BYTES":
        return _strings_of(tuple(shape), raw)
    description = _DESCRIPTIONS[datatype]
    if not shape or len(raw) != math.prod(shape) * int(description[2]):
        raise ValueError(f"{len(raw)} bytes for a tensor of shape {list(shape)}")
    return NpyValues(raw, 0, description, tuple(shape))


def _strings_of(shape: tuple[int, ...], raw: bytes) -> list[Any]:
    values = _strings(raw)
    if not shape or len(values) != math.prod(shape):
        raise ValueError(f"{len(values)} strings for a tensor of shape {list(shape)}")
    nested: list[Any] = _nested(values, shape)
    return nested


def _strings(raw: bytes) -> list[Any]:
    found: list[Any] = []
    position = 0
    while position < len(raw):
        start = position + 4
        position = start + int.from_bytes(raw[position:start], "little")
        if position > len(raw):
            raise ValueError("the tensor ends within a string")
        value = raw[start:position]
        try:
            found.append(value.decode())
        except UnicodeDecodeError:
            found.append(value)
    return found


def _nested(values: Sequence[Any], shape: tuple[int, ...]) -> Any:
    if len(shape) == 1:
        return list(values)
    width = math.prod(shape[1:])
    return [_nested(values[index * width : (index + 1) * width], shape[1:]) for index in range(shape[0])]
