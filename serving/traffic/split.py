"""Which label answers a request that names none: by weight, and the same one again for the same bearer of a key.

Pure. A bearer's label is found by weighted rendezvous hashing (Thaler and Ravishankar 1998; the logarithm that makes it
weighted is Schindelhauer and Schomaker's, 2005): each label draws an exponential variable of its weight's rate, by a
hash of the key, and the least wins. Its chance is its share of the weights; a label that gains weight or goes away
moves only the bearers that it wins or leaves.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import NamedTuple

DIGEST_BYTES = 16
_RANGE = 2.0 ** (8 * DIGEST_BYTES)
GOLDEN = (math.sqrt(5) - 1) / 2
"""The step of the walk. The least even walk of all steps, and its every n-th point is an even walk again: requests of
two kinds that take turns are split alike, where weighted round robin gives one kind to one label."""


class Arm(NamedTuple):
    """A label that takes part, and the live version behind it."""

    label: str
    weight: int
    version: int


class Split:
    """The arms of one model, at least one."""

    def __init__(self, model: str, arms: Sequence[Arm]) -> None:
        self.arms = tuple(arms)
        total = sum(arm.weight for arm in arms)
        self._bounds = [passed / total for passed in accumulate(arm.weight for arm in arms)][:-1]
        self._hashes = [blake2b(f"{model}\n{arm.label}\n".encode(), digest_size=DIGEST_BYTES) for arm in arms]

    def at(self, point: float) -> Arm:
        """The arm that has `point` of [0, 1)."""
        return self.arms[bisect_right(self._bounds, point)]

    def of(self, key: bytes) -> Arm:
        """The arm of whoever bears `key`."""
        least, found = math.inf, self.arms[0]
        for arm, begun in zip(self.arms, self._hashes, strict=True):
            ending = begun.copy()
            ending.update(key)
            drawn = -math.log((int.from_bytes(ending.digest()) + 0.5) / _RANGE) / arm.weight
            if drawn < least:
                least, found = drawn, arm
        return found


class Walk:
    """Points of [0, 1) that lie evenly however many were taken (Kronecker's sequence of the golden ratio)."""

    __slots__ = ("_point",)

    def __init__(self, point: float = 0.5) -> None:
        self._point = point

    def next(self) -> float:
        self._point = point = (self._point + GOLDEN) % 1.0
        return point
