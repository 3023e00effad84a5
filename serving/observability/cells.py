"""Rows of numbers under a key, in memory that one process adds to and others may read at any moment.

Pure but for writing into the chunks it is given. A chunk is CHUNK_BYTES of zeroed memory; in it lie records one behind
the other: a word (cells << 32 | bytes of the key), the key in JSON padded to eight bytes, the cells (64-bit floats).
The word is written last, so that a writer killed at any moment leaves whole records behind.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple, TypeAlias

CHUNK_BYTES = 64 * 1024
"""Some hundred series. A multiple of every page size in use, for chunks are mapped one by one."""
_WORD_BYTES = 8
_KEY_BYTES = 0xFFFFFFFF

Key: TypeAlias = tuple[str, ...]


class Slot(NamedTuple):
    """Where a record's cells begin. A tuple, because taking two attributes of anything else costs the hot path more."""

    cells: "memoryview[float]"
    at: int


class Record(NamedTuple):
    key: Key
    cells: "memoryview[float]"


class Cells:
    """The records of one writer. `chunks` may hold records of a process before it, which are added to; `more` gives the
    next chunk.
    """

    def __init__(self, chunks: Iterable[memoryview], more: Callable[[], memoryview]) -> None:
        self.chunks = list(chunks)
        self._more = more
        self._slots: dict[Key, Slot] = {}
        self._end = CHUNK_BYTES
        for chunk in self.chunks:
            self._end = 0
            for key, at, size in _walk(chunk):
                self._slots[key] = Slot(chunk.cast("d"), at)
                self._end = (at + size) * _WORD_BYTES

    def slot(self, key: Key, size: int) -> Slot:
        """The place of `size` cells under `key`, made with zeros in it where there is none yet."""
        if (found := self._slots.get(key)) is None:
            self._slots[key] = found = self._append(key, size)
        return found

    def _append(self, key: Key, size: int) -> Slot:
        text = json.dumps(key, separators=(",", ":")).encode()
        words = 1 + -(-len(text) // _WORD_BYTES)
        needed = (words + size) * _WORD_BYTES
        if needed > CHUNK_BYTES:
            raise ValueError(f"a record of {needed} bytes; a chunk has {CHUNK_BYTES}")
        if self._end + needed > CHUNK_BYTES:
            self.chunks.append(self._more())
            self._end = 0
        chunk, start = self.chunks[-1], self._end
        chunk[start + _WORD_BYTES : start + _WORD_BYTES + len(text)] = text
        chunk.cast("Q")[start // _WORD_BYTES] = size << 32 | len(text)
        self._end += needed
        return Slot(chunk.cast("d"), start // _WORD_BYTES + words)


def records(chunks: Iterable[memoryview]) -> Iterator[Record]:
    """Every record, in the order they were made."""
    for chunk in chunks:
        floats = chunk.cast("d")
        for key, at, size in _walk(chunk):
            yield Record(key, floats[at : at + size])


def _walk(chunk: memoryview) -> Iterator[tuple[Key, int, int]]:
    words, at = chunk.cast("Q"), 0
    while at < len(words) and (word := words[at]):
        key_bytes, size = word & _KEY_BYTES, word >> 32
        start = (at + 1) * _WORD_BYTES
        at += 1 + -(-key_bytes // _WORD_BYTES)
        yield _key(bytes(chunk[start : start + key_bytes])), at, size
        at += size


@lru_cache(maxsize=4096)
def _key(text: bytes) -> Key:
    return tuple(json.loads(text))
