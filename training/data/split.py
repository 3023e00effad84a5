"""Which row goes to which split. Pure: numbers in, row numbers out."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.contract.tensors import Array
from serving.errors import InvalidJob
from training.data.spec import SplitSpec

RowNumbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers, each row in exactly one of the three, each part in random order. `validation` may be empty."""

    train: RowNumbers
    validation: RowNumbers
    test: RowNumbers

    def counts(self) -> dict[str, int]:
        return {"train": len(self.train), "validation": len(self.validation), "test": len(self.test)}


@dataclass(frozen=True, slots=True)
class Keys:
    """What rows are split by. `strata` numbers each row's class (zeros: no classes); `column` has each row's group or
    moment; `held_out` marks the test rows that the data itself names.
    """

    strata: NDArray[np.int64]
    column: Array | None = None
    held_out: NDArray[np.bool_] | None = None


def split_rows(keys: Keys, spec: SplitSpec) -> Split:
    """All rows by `spec`; parts by fraction have round(fraction * rows) rows, or whole groups of about as many.

    Raises InvalidJob where a part would be empty, or the data does not have what the split goes by.
    """
    random = np.random.default_rng(spec.seed)
    if spec.by == "time":
        return _by_time(_column(keys, spec), spec, random)
    rest, test = _held_out(keys, spec, random)
    if not spec.validation:
        return _checked(Split(random.permutation(rest), rest[:0], random.permutation(test)), validates=False)
    share = round(spec.validation * (len(rest) + len(test)))
    train, validation = _cut(rest, keys, spec, share, random)
    parts = Split(random.permutation(train), random.permutation(validation), random.permutation(test))
    return _checked(parts, validates=True)


def fold_rows(keys: Keys, spec: SplitSpec, folds: int) -> Iterator[Split]:
    """`folds` times all but the test rows of `split_rows`, another part of them in turn being the validation split.

    Classes keep their proportions; groups stay whole.
    """
    random = np.random.default_rng(spec.seed)
    rest, test = _held_out(keys, spec, random)
    number = _fold_numbers(rest, keys, spec, folds)
    for fold in range(folds):
        parts = Split(random.permutation(rest[number != fold]), random.permutation(rest[number == fold]), test)
        yield _checked(parts, validates=True)


def _held_out(keys: Keys, spec: SplitSpec, random: np.random.Generator) -> tuple[RowNumbers, RowNumbers]:
    rows = len(keys.strata)
    if spec.test is not None:
        return _cut(_laid_out(np.arange(rows), keys, random), keys, spec, round(rows * spec.test), random)
    if keys.held_out is None:
        raise InvalidJob("split.by: this data names no test rows of its own; give split.test and another split.by")
    return _laid_out(np.flatnonzero(~keys.held_out), keys, random), np.flatnonzero(keys.held_out)


def _laid_out(rows: RowNumbers, keys: Keys, random: np.random.Generator) -> RowNumbers:
    """Shuffled, then one stratum after the other: evenly spaced places keep the proportions of any, however small."""
    shuffled = random.permutation(rows)
    laid_out: RowNumbers = shuffled[np.argsort(keys.strata[shuffled], kind="stable")]
    return laid_out


def _cut(
    rows: RowNumbers, keys: Keys, spec: SplitSpec, wanted: int, random: np.random.Generator
) -> tuple[RowNumbers, RowNumbers]:
    """Of `rows` as laid out: those that stay, and about `wanted` that go."""
    if spec.by == "group":
        goes = _whole_groups(_column(keys, spec)[rows], wanted, random)
    else:
        goes = _evenly_spaced(wanted, len(rows))
    return rows[~goes], rows[goes]


def _evenly_spaced(taken: int, places: int) -> NDArray[np.bool_]:
    at = np.arange(places, dtype=np.int64)
    return (at + 1) * taken // max(places, 1) > at * taken // max(places, 1)


def _whole_groups(groups: Array, wanted: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """Groups in random order as long as they bring the count nearer to `wanted`."""
    _, number, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = random.permutation(len(sizes))
    taken = order[np.cumsum(sizes[order]) - sizes[order] / 2 <= wanted]
    return np.isin(number, taken)


def _fold_numbers(rest: RowNumbers, keys: Keys, spec: SplitSpec, folds: int) -> NDArray[np.int64]:
    if spec.by != "group":
        return np.arange(len(rest), dtype=np.int64) % folds
    _, number, sizes = np.unique(_column(keys, spec)[rest], return_inverse=True, return_counts=True)
    filled, fold_of = np.zeros(folds), np.zeros(len(sizes), dtype=np.int64)
    for group in np.argsort(-sizes, kind="stable"):  # the largest first, each into the emptiest fold
        fold_of[group] = int(np.argmin(filled))
        filled[fold_of[group]] += sizes[group]
    of_row: NDArray[np.int64] = fold_of[number]
    return of_row


def _by_time(moments: Array, spec: SplitSpec, random: np.random.Generator) -> Split:
    rows, order = len(moments), np.argsort(moments, kind="stable")
    first_test = rows - round(rows * (spec.test or 0))
    first_validation = first_test - round(rows * spec.validation)
    train, validation, test = np.split(order, [first_validation, first_test])
    parts = Split(random.permutation(train), random.permutation(validation), random.permutation(test))
    return _checked(parts, validates=spec.validation > 0)


def _column(keys: Keys, spec: SplitSpec) -> Array:
    if keys.column is None:
        raise InvalidJob(f"split.column: this source has no column {spec.column}; tables have")
    return keys.column


def _checked(split: Split, *, validates: bool) -> Split:
    counts = split.counts()
    empty = [part for part, rows in counts.items() if not rows and (validates or part != "validation")]
    if empty:
        rows = sum(counts.values())
        raise InvalidJob(f"split: {rows} rows are too few: none is left for {' and '.join(empty)}")
    return split
