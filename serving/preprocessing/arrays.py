"""Numbers and strings, as nested lists or numpy arrays, to one array of a dtype and a row shape.

Pure, and strict: nothing is guessed, truncated or coerced with a loss. The fast path looks at each leaf once;
only when something is wrong does a second walk find where, so that the error can name the place.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from serving.contract.tensors import NUMPY_DTYPES, Array, shape_matches, shape_text
from serving.errors import OutOfRange, WrongDtype, WrongShape

Locate: TypeAlias = Callable[[int], str]
"""A row's number to the JSON pointer of its value."""

Shape: TypeAlias = tuple[int | None, ...]

TOGETHER = 100_000
"""Rows looked at in one go: a call of numpy or of a builtin holds everybody up until it ends."""


@dataclass(frozen=True, slots=True)
class _Leaf:
    """The Python types that may stand at the innermost level, and what to call them."""

    types: frozenset[type]
    name: str


_NUMBER = _Leaf(frozenset({int, float}), "a number")
_INTEGER = _Leaf(frozenset({int}), "an integer")
_LEAVES = {"b": _Leaf(frozenset({bool}), "true or false"), "i": _INTEGER, "u": _INTEGER}
_JSON_NAMES = {
    str: "a string",
    int: "a number",
    bool: "true or false",
    type(None): "null",
    dict: "an object",
    list: "a list",
    float: "a number",
}


def numeric_array(
    values: Sequence[object] | Array,
    dtype_name: str,
    row_shape: Shape,
    locate: Locate,
    *,
    allow_non_finite: bool = False,
) -> Array:
    """`values`, one element a row, as an array of `dtype_name` with shape [rows, *row_shape].

    Integers are taken where floats are expected, never the reverse. Raises WrongDtype, WrongShape, and OutOfRange
    for what the dtype cannot hold, NaN and infinity included unless they are allowed.
    """
    dtype = NUMPY_DTYPES[dtype_name]
    if not isinstance(values, np.ndarray) and len(values) > TOGETHER:
        parts = [
            numeric_array(
                values[start : start + TOGETHER],
                dtype_name,
                row_shape,
                lambda row, start=start: locate(start + row),  # type: ignore[misc]  # mypy infers no default's type
                allow_non_finite=allow_non_finite,
            )
            for start in range(0, len(values), TOGETHER)
        ]
        return np.concatenate(parts)
    if not isinstance(values, np.ndarray):
        _check_leaves(values, dtype, row_shape, locate)
        values = _stacked(values, dtype, row_shape, locate)
    if not _fits_kind(values.dtype, dtype):
        raise WrongDtype(f"values of type {values.dtype} where {dtype_name} is expected", pointer=locate(0))
    _check_shape(values.shape[1:], row_shape, locate(0))
    return cast_numbers(values, dtype, locate, allow_non_finite=allow_non_finite)


def string_array(values: Sequence[object], row_shape: Shape, locate: Locate) -> Array:
    """Strings (`str` is encoded as UTF-8, `bytes` stay as they are) to an object array of bytes [rows, *row_shape]."""
    array = np.array([_encoded(value, row_shape, locate(row)) for row, value in enumerate(values)], dtype=object)
    if array.ndim != 1 + len(row_shape):
        raise _ragged(values, row_shape, locate)
    return array


def check_range(array: Array, limits: tuple[float, float] | None, unit: str, locate: Locate) -> None:
    """Raise OutOfRange naming the first row with a value outside `limits` (inclusive)."""
    if limits is None or array.size == 0:
        return
    low, high = limits
    if low <= float(array.min()) and float(array.max()) <= high:
        return
    flat: NDArray[Any] = array.reshape(len(array), -1)
    with np.errstate(over="ignore"):  # a limit past what a float16 holds limits nothing
        outside = (flat < low) | (flat > high)
    if outside.any():
        row = int(np.argmax(outside.any(axis=1)))
        value = flat[row, int(np.argmax(outside[row]))]
        suffix = f" {unit}" if unit else ""
        raise OutOfRange(
            f"{_plain(value)} is outside the range {_plain(low)} to {_plain(high)}{suffix}", pointer=locate(row)
        )


def json_name(value: object) -> str:
    """What JSON calls a value's type, for messages."""
    return _JSON_NAMES.get(type(value), f"a value of type {type(value).__name__}")


def pointer_token(name: str) -> str:
    """A name as one token of an RFC 6901 pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _check_leaves(values: Sequence[object], dtype: np.dtype[np.generic], row_shape: Shape, locate: Locate) -> None:
    leaf = _LEAVES.get(dtype.kind, _NUMBER)
    if _leaf_types(values, 1 + len(row_shape)) <= leaf.types:
        return
    for row, value in enumerate(values):
        _check_leaf(value, row_shape, locate(row), leaf)


def _leaf_types(values: object, depth: int) -> set[type]:
    if not isinstance(values, list | tuple):
        return {type(values)} if depth == 0 else {list}  # not deep enough: leave it to the walk that names the place
    if depth == 1:
        return set(map(type, values))
    types: set[type] = set()
    for value in values:
        types |= _leaf_types(value, depth - 1)
    return types


def _check_leaf(value: object, shape: Shape, pointer: str, leaf: _Leaf) -> None:
    if isinstance(value, list | tuple):
        if not shape:
            raise WrongShape(f"a list where {leaf.name} is expected", pointer=pointer)
        if shape[0] is not None and len(value) != shape[0]:
            raise WrongShape(f"{len(value)} values where {shape[0]} are expected", pointer=pointer)
        for index, part in enumerate(value):
            _check_leaf(part, shape[1:], f"{pointer}/{index}", leaf)
    elif type(value) not in leaf.types:
        wanted = leaf.name if not shape else f"a list of shape {shape_text(shape)}"
        raise WrongDtype(f"{json_name(value)} where {wanted} is expected", pointer=pointer)
    elif shape:
        raise WrongShape(f"{json_name(value)} where a list of shape {shape_text(shape)} is expected", pointer=pointer)


def _encoded(value: object, shape: Shape, pointer: str) -> object:
    if not shape:
        if isinstance(value, str | bytes):
            return value.encode() if isinstance(value, str) else value
        raise WrongDtype(f"{json_name(value)} where a string is expected", pointer=pointer)
    if not isinstance(value, list | tuple):
        raise WrongShape(f"{json_name(value)} where a list of shape {shape_text(shape)} is expected", pointer=pointer)
    if shape[0] not in (None, len(value)):
        raise WrongShape(f"{len(value)} values where {shape[0]} are expected", pointer=pointer)
    return [_encoded(part, shape[1:], f"{pointer}/{index}") for index, part in enumerate(value)]


def _stacked(values: Sequence[object], dtype: np.dtype[np.generic], row_shape: Shape, locate: Locate) -> Array:
    try:
        array: Array = np.array(values)
    except ValueError:
        raise _ragged(values, row_shape, locate) from None
    if not array.size:
        return array.astype(dtype)
    if dtype.kind in "iu" and array.dtype.kind not in "iu":  # numpy's way out of integers past 64 bits
        _check_integers(np.array(values, dtype=object), dtype, locate)
    return array


def _ragged(values: Sequence[object], row_shape: Shape, locate: Locate) -> WrongShape:
    first: tuple[int, ...] | None = None
    for row, value in enumerate(values):
        try:
            shape = np.shape(np.array(value))
        except ValueError:
            return WrongShape(
                f"ragged: its lists differ in length; {shape_text(row_shape)} is expected", pointer=locate(row)
            )
        if not shape_matches(shape, row_shape) or (first is not None and shape != first):
            return WrongShape(f"a row of shape {shape_text(shape)}; {shape_text(first or row_shape)} is expected",
                              pointer=locate(row))  # fmt: skip
        first = shape
    return WrongShape("the rows differ in shape", pointer=locate(0))


def _check_shape(shape: tuple[int, ...], row_shape: Shape, pointer: str) -> None:
    if not shape_matches(shape, row_shape):
        raise WrongShape(f"a row of shape {shape_text(shape)}; {shape_text(row_shape)} is expected", pointer=pointer)


def _fits_kind(have: np.dtype[np.generic], want: np.dtype[np.generic]) -> bool:
    if want.kind == "f":
        return have.kind in "iuf"
    if want.kind in "iu":
        return have.kind in "iu"
    return have.kind == want.kind


def _check_integers(values: Array, dtype: np.dtype[np.generic], locate: Locate) -> None:
    limits = np.iinfo(dtype.name)
    check_range(values, (int(limits.min), int(limits.max)), "", locate)


FEW_NUMBERS = 4096
"""Up to so many, their sum of squares is quicker than having the processor watch for overflow."""
SAFE_SQUARES = MappingProxyType({np.dtype(kind): float(np.finfo(kind).max) ** 2 for kind in (np.float32, np.float16)})
_ADDED_QUICKLY = frozenset({np.dtype(np.float32), np.dtype(np.float64)})


def cast_finite(values: Array, dtype: np.dtype[np.generic], locate: Locate) -> Array:
    """`cast_numbers` for values known to be finite: the processor itself says when one outgrows its dtype."""
    if dtype.kind != "f":
        return cast_numbers(values, dtype, locate)
    if values.size <= FEW_NUMBERS and values.dtype == np.float64:
        flat = values.reshape(-1)
        if flat.dot(flat) < SAFE_SQUARES.get(dtype, 0.0):  # then so is each square: no number is too large
            return values.astype(dtype)
    try:
        return _cast_or_raise(values, dtype)
    except FloatingPointError:
        return cast_numbers(values, dtype, locate)


@np.errstate(over="raise")
def _cast_or_raise(values: Array, dtype: np.dtype[np.generic]) -> Array:
    return values.astype(dtype, copy=False)


def surely_finite(values: Array) -> bool:
    """Whether a look that costs a fifth of the thorough one finds no NaN and no infinity; False says nothing."""
    if values.size > FEW_NUMBERS or values.dtype not in _ADDED_QUICKLY or not values.flags.c_contiguous:
        return False
    return math.isfinite(_sum_of_squares(values.reshape(-1)))


@np.errstate(over="ignore", invalid="ignore")  # what is no number, or too large to be squared, makes the sum none
def _sum_of_squares(flat: Array) -> float:
    return float(flat.dot(flat))


def _plain(number: object) -> str:
    return str(number).removesuffix(".0")


def cast_numbers(
    values: Array, dtype: np.dtype[np.generic], locate: Locate, *, allow_non_finite: bool = False
) -> Array:
    """`values` as `dtype`, of whose kind they are. Raises OutOfRange for what it cannot hold, NaN and infinity too
    unless they are allowed.
    """
    if values.dtype == dtype and surely_finite(values):
        return values
    if dtype.kind in "iu" and values.dtype != dtype:
        _check_integers(values, dtype, locate)
    with np.errstate(over="ignore"):
        array = values.astype(dtype, copy=False)
    if dtype.kind == "f" and not np.isfinite(array).all():
        right = np.isfinite(array)
        if allow_non_finite:
            right |= ~np.isfinite(values)  # it came so; what became infinite here is too large still
            if right.all():
                return array
        row = int(np.argmin(right.reshape(len(array), -1).all(axis=1)))
        raise OutOfRange(f"NaN, infinity or a number too large for {dtype}", pointer=locate(row))
    return array
