"""Which row goes to which split. Pure: numbers in, row numbers out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.errors import InvalidJob
from training.data.spec import SplitSpec


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers, each row in exactly one of the three, each part in random order."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


def split_rows(strata: NDArray[np.int64], spec: SplitSpec) -> Split:
    """Rows split by `spec`, every stratum in the same proportions within one row of each part.

    `strata` numbers each row's class; give zeros where there are none. The parts have round(fraction * rows) rows.
    Shuffled rows are laid out stratum by stratum, then every tenth (and so on) is taken: even spacing over that
    order is what keeps the proportions of any stratum, however small.
    """
    rows = len(strata)
    tests, validations = round(rows * spec.test), round(rows * spec.validation)
    if min(tests, validations, rows - tests - validations) < 1:
        raise InvalidJob(f"split: {rows} rows are too few for test {spec.test:g} and validation {spec.validation:g}")
    random = np.random.default_rng(spec.seed)
    shuffled = random.permutation(rows)
    laid_out = shuffled[np.argsort(strata[shuffled], kind="stable")]
    in_test = _evenly_spaced(tests, rows)
    rest = laid_out[~in_test]
    in_validation = _evenly_spaced(validations, len(rest))
    return Split(
        train=random.permutation(rest[~in_validation]),
        validation=random.permutation(rest[in_validation]),
        test=random.permutation(laid_out[in_test]),
    )


def _evenly_spaced(taken: int, places: int) -> NDArray[np.bool_]:
    at = np.arange(places, dtype=np.int64)
    return (at + 1) * taken // places > at * taken // places
