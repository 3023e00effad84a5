"""Which part a row of a streamed file belongs to: by a hash of its number, so that no list is kept. Pure."""

import numpy as np
from numpy.typing import NDArray

from training.data.spec import SplitSpec

TRAIN, VALIDATION, TEST = 0, 1, 2
PARTS = ("train", "validation", "test")


def part_of(rows: NDArray[np.int64], spec: SplitSpec) -> NDArray[np.int8]:
    """TRAIN, VALIDATION or TEST for each row number; the fractions hold on average, classes are not looked at."""
    drawn = uniform(rows, spec.seed)
    test = spec.test or 0.0
    parts = np.where(drawn < test, TEST, np.where(drawn < test + spec.validation, VALIDATION, TRAIN))
    return parts.astype(np.int8)


def uniform(rows: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """A number from 0 to below 1 for each row number, the same in every pass and on every machine.

    The finaliser of SplitMix64 (Steele, Lea and Flood 2014) over the row's place in the seed's sequence.
    """
    with np.errstate(over="ignore"):  # arithmetic modulo 2**64 is what is meant
        mixed = _mix(np.array([seed % 2**64], dtype=np.uint64)) + rows.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        return (_mix(mixed) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mix(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
