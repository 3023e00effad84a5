"""Rows of numbers out of JSON without a Python object for each number: simdjson finds them, one copy makes the array.

Pure. Reads exactly `{"instances": [...]}` with full rows for one feature of numbers. Everything else, wrong or only
richer, it leaves alone: the strict walk reads that and can name the place of a fault.
"""

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
import simdjson

from serving.contract.features import Feature
from serving.contract.tensors import NUMPY_DTYPES, Array

BEGINNING = re.compile(rb'[ \t\r\n]*\{[ \t\r\n]*"instances"[ \t\r\n]*:')
_BRACKET = ord("[")
_BUFFERS: Mapping[str, tuple[Literal["d", "i"], type[np.generic]]] = {
    "f": ("d", np.float64),
    "i": ("i", np.int64),
    "u": ("i", np.int64),
}
"""By the kind of the feature's dtype: what simdjson calls the numbers it is asked for, and what numpy calls them."""


class _Wanted(NamedTuple):
    """What rows of one dtype and shape look like: simdjson's name of the numbers and numpy's, the row's shape and its
    elements, and how many lists a row is written with.
    """

    code: Literal["d", "i"]
    dtype: type[np.generic]
    shape: tuple[int, ...]
    elements: int
    lists: int


@lru_cache(1024)
def _wanted(dtype: str, row_shape: tuple[int | None, ...]) -> _Wanted | None:
    buffer, shape = _BUFFERS.get(NUMPY_DTYPES[dtype].kind), tuple(size for size in row_shape if size is not None)
    if buffer is None or len(shape) != len(row_shape):
        return None
    lists = sum(math.prod(shape[:depth]) for depth in range(len(shape)))
    return _Wanted(*buffer, shape, math.prod(shape), lists)


def rows_of_numbers(parser: simdjson.Parser, body: bytes, feature: Feature) -> Array | None:
    """An array [rows, *row_shape] of float64 or int64, or None where this is not for here. `parser` is the caller's
    own, used by one thread at a time.
    """
    wanted = _wanted(feature.dtype, feature.row_shape)
    if wanted is None:
        return None
    try:
        document = parser.parse(body)
        rows = document["instances"] if isinstance(document, simdjson.Object) and len(document) == 1 else None
        if not isinstance(rows, simdjson.Array):
            return None
        flat = np.frombuffer(rows.as_buffer(of_type=wanted.code), wanted.dtype)
        count = len(rows)
        if not count or len(flat) != count * wanted.elements or not _has_lists(body, 1 + count * wanted.lists):
            return None
        is_full = count == wanted.lists == 1 or _is_full(rows, wanted.shape)  # one list of all the numbers is a row
        return flat.reshape(count, *wanted.shape) if is_full else None
    except (ValueError, TypeError, KeyError, RuntimeError):
        return None


def _has_lists(body: bytes, expected: int) -> bool:
    """Whether so many lists begin in the body; two, one row of numbers, are found without counting."""
    if expected == 2:
        return body.rfind(b"[") == body.find(b"[", body.find(b"[") + 1)
    return int(np.count_nonzero(np.frombuffer(body, np.uint8) == _BRACKET)) == expected  # a quarter of count's time


def _is_full(values: simdjson.Array, shape: tuple[int, ...]) -> bool:
    """Whether every element is a list of the right length, down to the numbers. simdjson flattens ragged lists too;
    since the lists were counted, none can hide among the numbers.
    """
    if not shape:
        return True
    size, inner = shape[0], shape[1:]
    for value in values:
        if not isinstance(value, simdjson.Array) or len(value) != size or (inner and not _is_full(value, inner)):
            return False
    return True
