"""Rows of numbers under a key, in memory that one process adds to and others may read at any moment.

Pure but for writing into the chunks it is given. A chunk is CHUNK_BYTES of zeroed memory; in it lie records one behind
the other: a word (cells << 32 | FREE, where nobody uses it | bytes of the key), the key in JSON with blanks up to a
multiple of KEY_STEP_BYTES, the cells (64-bit floats). The word is written last, so that a writer killed at any moment
leaves whole records behind. A record that was freed makes room for one of the same size: what a gateway keeps depends
on how many versions there are, and not on how many there have ever been.
"""

import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple, TypeAlias

CHUNK_BYTES = 64 * 1024
"""Some hundred series. A multiple of every page size in use, for chunks are mapped one by one."""
REST_SECONDS = 60.0
"""From freeing a record to its room's next use: whoever was reading it, or adding to it, has long done so."""
KEY_STEP_BYTES = 32
"""Keys of one kind mostly come to the same step, so that room freed by one fits the next."""
_WORD_BYTES = 8
_KEY_BYTES = 0x7FFFFFFF
_FREE = 0x80000000

Key: TypeAlias = tuple[str, ...]


class Slot(NamedTuple):
    """Where a record's cells begin. A tuple, because taking two attributes of anything else costs the hot path more."""

    cells: "memoryview[float]"
    at: int


class Record(NamedTuple):
    key: Key
    cells: "memoryview[float]"


class _Room(NamedTuple):
    """Where a record lies, from its word on."""

    chunk: memoryview
    start: int


class Cells:
    """The records of one writer. `chunks` may hold records of a process before it, which are added to; `more` gives the
    next chunk.
    """

    def __init__(self, chunks: Iterable[memoryview], more: Callable[[], memoryview]) -> None:
        self.chunks = list(chunks)
        self._more = more
        self._slots: dict[Key, Slot] = {}
        self._free: defaultdict[tuple[int, int], list[_Room]] = defaultdict(list)  # by bytes of the key and cells
        self._resting: deque[tuple[float, tuple[int, int], _Room]] = deque()
        self._end = CHUNK_BYTES
        for chunk in self.chunks:
            self._end = 0
            for start, key_bytes, size, in_use in _walk(chunk):
                at = _cells_at(start, key_bytes)
                if in_use:
                    self._slots[_key_at(chunk, start, key_bytes)] = Slot(chunk.cast("d"), at)
                else:
                    self._free[key_bytes, size].append(_Room(chunk, start))
                self._end = (at + size) * _WORD_BYTES

    def __iter__(self) -> Iterator[Key]:
        """The keys there are."""
        return iter(self._slots)

    def slot(self, key: Key, size: int) -> Slot:
        """The place of `size` cells under `key`, made with zeros in it where there is none yet. Not to be kept once the
        key is freed.
        """
        if (found := self._slots.get(key)) is None:
            self._slots[key] = found = self._made(key, size)
        return found

    def free(self, keys: Iterable[Key], now: float) -> None:
        """Records that are told no more. Their room is used again REST_SECONDS later."""
        for key in keys:
            cells, at = self._slots.pop(key)
            chunk, key_bytes = cells.cast("B"), len(_text(key))
            start = at - 1 - key_bytes // _WORD_BYTES
            words = chunk.cast("Q")
            self._resting.append((now, (key_bytes, words[start] >> 32), _Room(chunk, start)))
            words[start] |= _FREE
        while self._resting and now - self._resting[0][0] >= REST_SECONDS:
            _, shape, room = self._resting.popleft()
            self._free[shape].append(room)

    def _made(self, key: Key, size: int) -> Slot:
        text = _text(key)
        free = self._free.get((len(text), size))
        chunk, start = free.pop() if free else self._appended(len(text), size)
        at = _cells_at(start, len(text))
        cells = chunk.cast("d")
        cells[at : at + size] = memoryview(bytes(size * _WORD_BYTES)).cast("d")
        chunk[(start + 1) * _WORD_BYTES : at * _WORD_BYTES] = text
        chunk.cast("Q")[start] = size << 32 | len(text)
        return Slot(cells, at)

    def _appended(self, key_bytes: int, size: int) -> _Room:
        needed = (_cells_at(0, key_bytes) + size) * _WORD_BYTES
        if needed > CHUNK_BYTES:
            raise ValueError(f"a record of {needed} bytes; a chunk has {CHUNK_BYTES}")
        if self._end + needed > CHUNK_BYTES:
            self.chunks.append(self._more())
            self._end = 0
        room = _Room(self.chunks[-1], self._end // _WORD_BYTES)
        self._end += needed
        return room


def records(chunks: Iterable[memoryview]) -> Iterator[Record]:
    """Every record in use, in the order they lie."""
    for chunk in chunks:
        floats = chunk.cast("d")
        for start, key_bytes, size, in_use in _walk(chunk):
            if in_use:
                at = _cells_at(start, key_bytes)
                yield Record(_key_at(chunk, start, key_bytes), floats[at : at + size])


def _walk(chunk: memoryview) -> Iterator[tuple[int, int, int, bool]]:
    """Of each record where its word is, the bytes of its key, how many cells it has, and whether it is in use."""
    words, start = chunk.cast("Q"), 0
    while start < len(words) and (word := words[start]):
        key_bytes, size = word & _KEY_BYTES, word >> 32
        yield start, key_bytes, size, not word & _FREE
        start = _cells_at(start, key_bytes) + size


def _cells_at(start: int, key_bytes: int) -> int:
    return start + 1 + key_bytes // _WORD_BYTES


def _text(key: Key) -> bytes:
    text = json.dumps(key, separators=(",", ":")).encode()
    return text.ljust(-(-len(text) // KEY_STEP_BYTES) * KEY_STEP_BYTES)


def _key_at(chunk: memoryview, start: int, key_bytes: int) -> Key:
    first = (start + 1) * _WORD_BYTES
    return _key(bytes(chunk[first : first + key_bytes]))


@lru_cache(maxsize=4096)
def _key(text: bytes) -> Key:
    return tuple(json.loads(text))
