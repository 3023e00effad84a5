"""NumPy's file format (`.npy`) without NumPy: a caller's array as a body, and an answer as values by row.

Pure. The format: NEP 1 and `numpy.lib.format`, of which version 1.0 is written and 1.0 to 3.0 are read.
"""

import ast
import functools
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

MEDIA_TYPE = "application/x-npy"
MAGIC = b"\x93NUMPY"
ALIGNMENT_BYTES = 64
_SHORT, _LONG = struct.Struct("<H"), struct.Struct("<I")

CODES: Mapping[str, str] = MappingProxyType(
    {
        "b1": "?",
        "i1": "b",
        "i2": "h",
        "i4": "i",
        "i8": "q",
        "u1": "B",
        "u2": "H",
        "u4": "I",
        "u8": "Q",
        "f2": "e",
        "f4": "f",
        "f8": "d",
    }
)
"""The struct module's letter of each kind and size of number."""


def is_number_array(value: Any) -> bool:
    """Whether it is an array of numbers as NumPy has them, known by its attributes."""
    dtype = getattr(value, "dtype", None)
    return hasattr(value, "tobytes") and getattr(dtype, "str", "")[1:] in CODES and bool(getattr(value, "shape", ()))


def write_npy(array: Any) -> bytes:
    """`array` is one that `is_number_array` knows, of any strides."""
    head: bytes = npy_head(array.dtype.str, tuple(array.shape))
    return head + bytes(array.tobytes())


def write_npy_rows(rows: Sequence[Any]) -> bytes | None:
    """Arrays of one dtype and shape as one array of them; None where they differ."""
    first = rows[0]
    if any(row.dtype != first.dtype or row.shape != first.shape for row in rows):
        return None
    return npy_head(first.dtype.str, (len(rows), *first.shape)) + b"".join(row.tobytes() for row in rows)


@functools.lru_cache(256)
def npy_head(descr: str, shape: tuple[int, ...]) -> bytes:
    """What stands before the values, padded with spaces so that they begin at a multiple of 64 bytes."""
    text = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode("latin-1")
    unpadded = len(MAGIC) + 2 + _SHORT.size + len(text) + 1
    text += b" " * (-unpadded % ALIGNMENT_BYTES) + b"\n"
    return MAGIC + b"\1\0" + _SHORT.pack(len(text)) + text


@dataclass(frozen=True, slots=True)
class NpyValues:
    """The values of an answer as they came: a number becomes a Python object only when its row is asked for.

    NumPy takes them over without a copy (`numpy.asarray(values)`).
    """

    body: bytes
    start: int
    descr: str
    shape: tuple[int, ...]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, row: int) -> Any:
        """The row as a number, or as lists nested as its shape is."""
        if not 0 <= row < self.shape[0]:
            raise IndexError(f"row {row} of {self.shape[0]}")
        count = math.prod(self.shape[1:])
        layout = _row_struct(self.descr, count)
        return _nested(layout.unpack_from(self.body, self.start + row * layout.size), self.shape[1:])

    @property
    def __array_interface__(self) -> dict[str, Any]:
        """NumPy's own protocol, version 3."""
        data = memoryview(self.body)[self.start :]
        return {"version": 3, "typestr": self.descr, "shape": self.shape, "data": data}


def read_npy(body: bytes) -> NpyValues:
    """Raises ValueError for what is not a whole file of rows of numbers, the first axis outermost."""
    try:
        size, start = (_SHORT, 10) if body[6:7] == b"\1" else (_LONG, 12)
        end = start + size.unpack_from(body, 8)[0]
        descr, shape = _layout(body[:start][: len(MAGIC)], body[start:end])
        expected = math.prod(shape) * struct.calcsize(CODES[descr[1:]])
    except (SyntaxError, TypeError, KeyError, struct.error) as error:
        raise ValueError("not a .npy file of numbers") from error
    if len(body) - end != expected:
        raise ValueError(f"{len(body) - end} bytes of values where {expected} belong")
    return NpyValues(body, end, descr, shape)


@functools.lru_cache(64)
def _layout(magic: bytes, text: bytes) -> tuple[str, tuple[int, ...]]:
    """Chunks of one length bring the same header again and again."""
    header = ast.literal_eval(text.decode("latin-1").strip())
    shape = tuple(header["shape"])
    if magic != MAGIC or header["fortran_order"] or not shape or any(type(size) is not int for size in shape):
        raise ValueError("not a .npy file of rows")
    return str(header["descr"]), shape


@functools.lru_cache(64)
def _row_struct(descr: str, count: int) -> struct.Struct:
    order = ">" if descr[0] == ">" else "<"
    return struct.Struct(f"{order}{count}{CODES[descr[1:]]}")


def _nested(flat: Sequence[Any], shape: tuple[int, ...]) -> Any:
    if not shape:
        return flat[0]
    if len(shape) == 1:
        return list(flat)
    step = math.prod(shape[1:])
    return [_nested(flat[place * step : (place + 1) * step], shape[1:]) for place in range(shape[0])]
