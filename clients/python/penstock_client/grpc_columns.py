"""A tensor of an answer as a column of rows: read where it lies, each row made when it is looked at.

Pure.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

_CODES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "BOOL": ("?", "|b1"),
        "UINT8": ("B", "|u1"),
        "UINT16": ("H", "<u2"),
        "UINT32": ("I", "<u4"),
        "UINT64": ("Q", "<u8"),
        "INT8": ("b", "|i1"),
        "INT16": ("h", "<i2"),
        "INT32": ("i", "<i4"),
        "INT64": ("q", "<i8"),
        "FP16": ("e", "<f2"),
        "FP32": ("f", "<f4"),
        "FP64": ("d", "<f8"),
    }
)
"""By datatype: struct's letter for it, and what numpy calls it."""


class NumberColumn:
    """Implements `penstock_client.predictions.Column`; numpy reads it without a copy."""

    __slots__ = ("__array_interface__", "_raw", "_row", "shape")

    def __init__(self, datatype: str, shape: Sequence[int], raw: bytes) -> None:
        """Raises KeyError for a datatype that is none, ValueError where `raw` is not as long as `shape` says."""
        code, typestr = _CODES[datatype]
        self.shape = tuple(shape)
        self._row = struct.Struct(f"<{math.prod(self.shape[1:])}{code}")
        if not self.shape or len(raw) != self.shape[0] * self._row.size:
            raise ValueError(f"{len(raw)} bytes for a tensor of shape {self.shape}")
        self._raw = raw
        self.__array_interface__ = {"shape": self.shape, "typestr": typestr, "data": raw, "version": 3}

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, row: int, /) -> Any:
        if not 0 <= row < self.shape[0]:
            raise IndexError(row)
        return _nested(self._row.unpack_from(self._raw, row * self._row.size), self.shape[1:])


def column_of(datatype: str, shape: Sequence[int], raw: bytes) -> NumberColumn | list[Any]:
    """Raises KeyError and ValueError for a tensor that is none."""
    if datatype != "BYTES":
        return NumberColumn(datatype, shape, raw)
    values = _strings(raw)
    if len(values) != math.prod(shape):
        raise ValueError(f"{len(values)} strings for a tensor of shape {list(shape)}")
    width = math.prod(shape[1:])
    return [_nested(values[row * width : (row + 1) * width], tuple(shape[1:])) for row in range(shape[0])]


def _strings(raw: bytes) -> list[Any]:
    """Text where it is UTF-8, else the bytes themselves."""
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
    if not shape:
        return values[0]
    if len(shape) == 1:
        return list(values)
    width = math.prod(shape[1:])
    return [_nested(values[index * width : (index + 1) * width], shape[1:]) for index in range(shape[0])]
