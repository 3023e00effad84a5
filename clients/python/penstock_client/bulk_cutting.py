"""A large batch cut into chunks, each of which is one request.

Pure. Arrays, frames and lists are sliced; of an iterator's rows no more are taken than the next chunk needs.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, count, islice
from os import PathLike
from typing import Any

MOST_ROWS = 1000
"""Past it a request's own cost no longer shows beside its rows', and four such chunks under way are half of what a
gateway's queue holds by default (`max_queue_rows`)."""
CHUNK_BYTES = 512 * 1024
"""Bodies of up to so much take the gateway's short way."""
FILE_BYTES = 100_000
"""What a picture on disk is taken for before it is read."""
JSON_NUMBER_BYTES = 12


@dataclass(frozen=True, slots=True)
class Chunk:
    """`rows` are of the caller's own kind (a slice of the array, frame or list); the first is row `start` of all."""

    index: int
    start: int
    rows: Any


def total_rows(inputs: Any) -> int | None:
    """None for what tells it only at its end."""
    return len(inputs) if hasattr(inputs, "__len__") else None


def chunks_of(inputs: Any, chunk_rows: int | None) -> Iterator[Chunk]:
    """`chunk_rows` None: as many rows as `rows_per_chunk` finds right. Raises ValueError for what is not many rows."""
    if isinstance(inputs, (str, bytes, bytearray, memoryview, Mapping, PathLike)) or not hasattr(inputs, "__iter__"):
        raise ValueError(
            f"a {type(inputs).__name__} is one input; predict_many takes rows: an array, a frame, a list, an iterator"
        )
    return _slices(inputs, chunk_rows) if _can_be_sliced(inputs) else _taken(iter(inputs), chunk_rows)


def rows_per_chunk(first_row: Any) -> int:
    """By the size of one row, in the form that is larger on the wire."""
    return max(1, min(MOST_ROWS, CHUNK_BYTES // max(1, approximate_bytes(first_row))))


def approximate_bytes(value: Any) -> int:
    """About what it takes in a request; the truth would mean to write it out."""
    if isinstance(value, Mapping):
        return sum(len(str(name)) + approximate_bytes(each) for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return sum(map(approximate_bytes, value))
    if isinstance(value, (str, bytes, bytearray, memoryview)):
        return len(value)
    return FILE_BYTES if isinstance(value, PathLike) else _object_bytes(value)


def _object_bytes(value: Any) -> int:
    """Arrays and PIL images, known by their attributes; the rest is taken for a number."""
    if hasattr(value, "nbytes"):
        return int(value.nbytes)
    if hasattr(value, "getbands"):
        width, height = value.size
        return int(width * height * len(value.getbands()))
    return JSON_NUMBER_BYTES


def _can_be_sliced(inputs: Any) -> bool:
    return hasattr(inputs, "__len__") and hasattr(inputs, "__getitem__")


def _slices(inputs: Any, chunk_rows: int | None) -> Iterator[Chunk]:
    rows = getattr(inputs, "iloc", inputs)  # a frame's rows by their place
    length = len(inputs)
    size = chunk_rows or (rows_per_chunk(rows[0]) if length else MOST_ROWS)
    for index, start in enumerate(range(0, length, size)):
        yield Chunk(index, start, rows[start : start + size])


def _taken(rows: Iterator[Any], chunk_rows: int | None) -> Iterator[Chunk]:
    first = list(islice(rows, 1))
    size = chunk_rows or (rows_per_chunk(first[0]) if first else MOST_ROWS)
    rest: Iterable[Any] = chain(first, rows)
    for index in count():
        taken = list(islice(rest, size))
        if not taken:
            return
        yield Chunk(index, index * size, taken)
