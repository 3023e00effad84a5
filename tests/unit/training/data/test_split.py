"""Splits: sizes, proportions, and that no row is in two of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.errors import InvalidJob
from training.data.spec import SplitSpec
from training.data.split import Split, split_rows

SPEC = SplitSpec(validation=0.2, test=0.1, seed=7)
strata = st.lists(st.integers(0, 4), min_size=20, max_size=400).map(lambda rows: np.array(rows, dtype=np.int64))
fractions = st.floats(0.05, 0.45)


def parts(split: Split) -> list[np.ndarray]:
    return [split.train, split.validation, split.test]


@given(strata, fractions, fractions, st.integers(0, 2**31))
def test_every_row_is_in_exactly_one_part(of: np.ndarray, validation: float, test: float, seed: int) -> None:
    split = split_rows(of, SplitSpec(validation=validation, test=test, seed=seed))
    assert sorted(np.concatenate(parts(split)).tolist()) == list(range(len(of)))


@given(strata)
def test_parts_have_seventy_twenty_and_ten_percent_of_the_rows(of: np.ndarray) -> None:
    split = split_rows(of, SPEC)
    assert len(split.test) == round(0.1 * len(of))
    assert len(split.validation) == round(0.2 * len(of))


@given(strata)
def test_every_stratum_keeps_its_proportion_in_every_part(of: np.ndarray) -> None:
    for part in parts(split_rows(of, SPEC)):
        for stratum in np.unique(of):
            rows = np.count_nonzero(of == stratum)
            share = np.count_nonzero(of[part] == stratum)
            assert abs(share - rows * len(part) / len(of)) < 2


@given(strata, st.integers(0, 2**31))
def test_same_seed_gives_the_same_split(of: np.ndarray, seed: int) -> None:
    spec = SplitSpec(validation=0.2, test=0.1, seed=seed)
    for one, other in zip(parts(split_rows(of, spec)), parts(split_rows(of, spec)), strict=True):
        assert one.tolist() == other.tolist()


def test_another_seed_gives_another_split() -> None:
    of = np.zeros(100, dtype=np.int64)
    other = SplitSpec(validation=0.2, test=0.1, seed=8)
    assert split_rows(of, SPEC).test.tolist() != split_rows(of, other).test.tolist()


def test_every_row_is_tested_by_some_seed() -> None:
    of = np.repeat(np.arange(2, dtype=np.int64), [30, 10])
    seeds = [SplitSpec(validation=0.2, test=0.1, seed=seed) for seed in range(120)]
    tested = np.concatenate([split_rows(of, spec).test for spec in seeds])
    assert set(tested.tolist()) == set(range(40))


def test_parts_are_not_ordered_by_stratum() -> None:
    of = np.repeat(np.arange(2, dtype=np.int64), 100)
    assert of[split_rows(of, SPEC).test].tolist() != sorted(of[split_rows(of, SPEC).test].tolist())


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_too_few_rows_for_a_part_are_refused(rows: int) -> None:
    with pytest.raises(InvalidJob, match=f"{rows} rows are too few"):
        split_rows(np.zeros(rows, dtype=np.int64), SPEC)
