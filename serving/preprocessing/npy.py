"""NumPy's own file format (`.npy`), read from bytes and written to them: never a pickle, never a copy to read.

Pure.
"""

import ast
import functools
import math
import struct
from collections.abc import Sequence
from io import BytesIO
from typing import Literal, NamedTuple

import numpy as np

from serving.contract.features import Feature, NumberFeature, TensorFeature
from serving.contract.tensors import Array
from serving.errors import InvalidInput, UnsupportedMediaType, WrongDtype, WrongShape
from serving.preprocessing.arrays import Locate
from serving.preprocessing.columns import decode_column

MAGIC = b"\x93NUMPY"
MAX_HEADER_BYTES = 4096
"""Of the header's text, which is parsed as a Python literal; those of plain arrays have 128 bytes."""

_KINDS = "buifSU"
_SHORT, _LONG = struct.Struct("<H"), struct.Struct("<I")


class _Layout(NamedTuple):
    """What a header says, checked."""

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    elements: int
    order: Literal["C", "F"]

    @property
    def nbytes(self) -> int:
        return self.elements * self.dtype.itemsize


def read_npy(body: bytes) -> Array:
    """The array as a view of `body`. Raises InvalidInput for what is no .npy, WrongDtype for objects and the like.

    The header is read here and not by numpy, whose own reader guesses at headers of Python 2's making.
    """
    try:
        text, start = _header(body)
        layout = _layout(text)
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError, struct.error) as error:
        raise InvalidInput("the body is not a .npy file") from error
    if layout.nbytes != len(body) - start:
        wanted = f"{layout.elements} elements of {layout.dtype}"
        raise WrongShape(f"{len(body) - start} bytes where {wanted} are expected")
    flat: Array = np.frombuffer(body, layout.dtype, layout.elements, start)
    return flat.reshape(layout.shape, order=layout.order)


def _header(body: bytes) -> tuple[bytes, int]:
    """The header's text and where the values begin (numpy.lib.format, versions 1 to 3)."""
    if not body.startswith(MAGIC):
        raise ValueError("no magic")
    length, start = (*_SHORT.unpack_from(body, 8), 10) if body[6:7] == b"\1" else (*_LONG.unpack_from(body, 8), 12)
    if length > MAX_HEADER_BYTES:
        raise ValueError("a header too long")
    return body[start : start + length], start + length


@functools.lru_cache(64)
def _layout(text: bytes) -> _Layout:
    """Callers send the same shapes again and again, and reading the literal takes longer than all the rest."""
    header = ast.literal_eval(text.decode("latin-1").strip())
    if not isinstance(header, dict) or not isinstance(header["descr"], str):
        raise TypeError("no plain dtype")
    dtype, fortran, shape = np.dtype(header["descr"]), header["fortran_order"] is True, tuple(header["shape"])
    if dtype.kind not in _KINDS:
        raise WrongDtype(f"an array of {str(dtype)[:64]}; numbers, true and false or strings are expected")
    if any(type(size) is not int or size < 0 for size in shape) or not dtype.itemsize:
        raise WrongShape("a shape with a size that is no number of elements")
    return _Layout(dtype, shape, math.prod(shape), "F" if fortran else "C")


def decode_npy(body: bytes, features: Sequence[Feature]) -> dict[str, Array]:
    """One array a feature: the whole file for a model of one feature, rows first; a column each, in the manifest's
    order, for one of numbers alone.
    """
    array = read_npy(body)
    if not array.ndim or not len(array):
        raise WrongShape("an array without rows; rows first, at least one, are expected")
    if len(features) == 1:
        return {features[0].name: decode_column(features[0], array, lambda row: f"/{row}")}
    for feature in features:
        is_number = isinstance(feature, NumberFeature) or (isinstance(feature, TensorFeature) and not feature.shape)
        if not is_number or feature.dtype == "string":
            raise UnsupportedMediaType(f"feature `{feature.name}` is no number, so that rows are no array; "
                                       "send application/json")  # fmt: skip
    if array.ndim != 2 or array.shape[1] != len(features):
        names = ", ".join(feature.name for feature in features)
        raise WrongShape(f"an array of shape {list(array.shape)}; [rows, {len(features)}] is expected: {names}")
    return {feature.name: decode_column(feature, array[:, place], _at(place)) for place, feature in enumerate(features)}


def _at(place: int) -> Locate:
    return lambda row: f"/{row}/{place}"


def write_npy(array: Array) -> bytes:
    """The array as a file. Raises ValueError for one of objects, which only a pickle could hold."""
    if array.dtype.hasobject:
        raise ValueError("an array of objects is no .npy file without a pickle")
    return _head(array.dtype.str, array.shape) + array.tobytes()


@functools.lru_cache(256)
def _head(descr: str, shape: tuple[int, ...]) -> bytes:
    """Numpy's own, which takes ten times as long to make as the rest of a small file."""
    file = BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue()
