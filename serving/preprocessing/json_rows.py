"""Rows of numbers out of JSON without a Python object for each number: simdjson finds them, one copy makes the array.

Pure. Reads exactly `{"instances": [...]}` with full rows for one feature of numbers. Everything else, wrong or only
richer, it leaves alone: the strict walk reads that and can name the place of a fault.
"""

import math
import re
from collections.abc import Mapping
from typing import Literal

import numpy as np
import simdjson

from serving.contract.features import Feature
from serving.contract.tensors import NUMPY_DTYPES, Array

BEGINNING = re.compile(rb'[ \t\r\n]*\{[ \t\r\n]*"instances"[ \t\r\n]*:')
_BUFFERS: Mapping[str, tuple[Literal["d", "i"], type[np.generic]]] = {
    "f": ("d", np.float64),
    "i": ("i", np.int64),
    "u": ("i", np.int64),
}
"""By the kind of the feature's dtype: what simdjson calls the numbers it is asked for, and what numpy calls them."""


def rows_of_numbers(parser: simdjson.Parser, body: bytes, feature: Feature) -> Array | None:
    """An array [rows, *row_shape] of float64 or int64, or None where this is not for here. `parser` is the caller's
    own, used by one thread at a time.
    """
    row_shape, buffer = feature.row_shape, _BUFFERS.get(NUMPY_DTYPES[feature.dtype].kind)
    if buffer is None or None in row_shape:
        return None
    shape: tuple[int, ...] = tuple(size for size in row_shape if size is not None)
    try:
        document = parser.parse(body)
        if not isinstance(document, simdjson.Object) or len(document) != 1:
            return None
        rows = document["instances"]
        if not isinstance(rows, simdjson.Array):
            return None
        flat = np.frombuffer(rows.as_buffer(of_type=buffer[0]), buffer[1])
        count = len(rows)
        if not count or flat.size != count * math.prod(shape) or body.count(b"[") != _lists(count, shape):
            return None
        return flat.reshape(count, *shape) if _is_full(rows, shape) else None
    except (ValueError, TypeError, KeyError, RuntimeError):
        return None


def _lists(rows: int, shape: tuple[int, ...]) -> int:
    """How many lists such rows are written with, the outermost counted."""
    return 1 + rows * sum(math.prod(shape[:depth]) for depth in range(len(shape)))


def _is_full(values: simdjson.Array, shape: tuple[int, ...]) -> bool:
    """Whether every element is a list of the right length, down to the numbers. simdjson flattens ragged lists too;
    since the lists were counted, none can hide among the numbers.
    """
    if not shape:
        return True
    size, inner = shape[0], shape[1:]
    return all(isinstance(value, simdjson.Array) and len(value) == size and _is_full(value, inner) for value in values)
