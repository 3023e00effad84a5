"""Answers kept for requests that come again byte for byte: what they are found by, and which make room.

Pure. Equal means equal in every bit: -0.0 is not 0.0, and a NaN equals a NaN of the same bits.
"""

from collections import OrderedDict
from collections.abc import Collection
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from serving.backend_protocol import Arrays
from serving.contract.tensors import Array

DIGEST_BYTES = 32
"""Twice what keeps chance away: a caller who looks for two inputs with one digest would find them at half as many."""
ENTRY_BYTES = 512
"""What an answer takes beside its values: the key, the dictionaries and numpy's own heads."""
STRING_BYTES = 41
"""What a string takes beside its characters: Python's head and the pointer to it."""


class CacheKey(NamedTuple):
    """What was asked of one model."""

    version: int
    signature: str
    digest: bytes


class KeptAnswer(NamedTuple):
    """`all_finite`: no number in it is a NaN or an infinity."""

    outputs: dict[str, Array]
    all_finite: bool


def digest_of(inputs: Arrays) -> bytes:
    """Of the names, dtypes, shapes and values, each behind its length, in the names' order."""
    digest = blake2b(digest_size=DIGEST_BYTES)
    for name, array in sorted(inputs.items()):
        head = f"{len(name.encode())}:{name}{array.dtype.str}{array.shape}".encode()
        digest.update(head)
        if array.dtype == object:
            for value in array.ravel().tolist():
                digest.update(len(value).to_bytes(8, "little"))
                digest.update(value)
        else:
            digest.update(np.ascontiguousarray(array).data)
    return digest.digest()


class AnswerCache:
    """The answers of one model, at most `max_bytes` of them; those that were asked for longest ago make room."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[CacheKey, KeptAnswer] = OrderedDict()
        self.nbytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: CacheKey) -> KeptAnswer | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: CacheKey, answer: KeptAnswer) -> None:
        """Keep a copy: an answer is a view of its whole batch, which would stay in memory with it."""
        size = bytes_of(answer)
        if size > self._max_bytes:
            return
        self._drop(key)
        self._kept[key] = answer._replace(outputs={name: _own(array) for name, array in answer.outputs.items()})
        self.nbytes += size
        while self.nbytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def keep_versions(self, versions: Collection[int]) -> None:
        """Forget the answers of all others."""
        for key in [key for key in self._kept if key.version not in versions]:
            self._drop(key)

    def _drop(self, key: CacheKey) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            self.nbytes -= bytes_of(gone)


def bytes_of(answer: KeptAnswer) -> int:
    """What keeping it takes, near enough."""
    return ENTRY_BYTES + sum(map(array_bytes, answer.outputs.values()))


def array_bytes(array: Array) -> int:
    """With its strings, of which the array itself holds only addresses."""
    if array.dtype != object:
        return array.nbytes
    return sum(len(value) + STRING_BYTES for value in array.ravel().tolist())


def _own(array: Array) -> Array:
    copied = array.copy()
    copied.flags.writeable = False  # many callers will read it
    return copied
