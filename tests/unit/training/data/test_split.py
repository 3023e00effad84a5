"""Splits: sizes, proportions, and that no row is in two of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.errors import InvalidJob
from training.data.spec import SplitSpec
from training.data.split import Keys, Split, fold_rows, split_rows

SPEC = SplitSpec(validation=0.2, test=0.1, seed=7)
strata = st.lists(st.integers(0, 4), min_size=20, max_size=400).map(lambda rows: np.array(rows, dtype=np.int64))
fractions = st.floats(0.05, 0.45)


def split_classes(of: np.ndarray, spec: SplitSpec) -> Split:
    return split_rows(Keys(of), spec)


def parts(split: Split) -> list[np.ndarray]:
    return [split.train, split.validation, split.test]


@given(strata, fractions, fractions, st.integers(0, 2**31))
def test_every_row_is_in_exactly_one_part(of: np.ndarray, validation: float, test: float, seed: int) -> None:
    split = split_classes(of, SplitSpec(validation=validation, test=test, seed=seed))
    assert sorted(np.concatenate(parts(split)).tolist()) == list(range(len(of)))


@given(strata)
def test_parts_have_seventy_twenty_and_ten_percent_of_the_rows(of: np.ndarray) -> None:
    split = split_classes(of, SPEC)
    assert len(split.test) == round(0.1 * len(of))
    assert len(split.validation) == round(0.2 * len(of))


@given(strata)
def test_every_stratum_keeps_its_proportion_in_every_part(of: np.ndarray) -> None:
    for part in parts(split_classes(of, SPEC)):
        for stratum in np.unique(of):
            rows = np.count_nonzero(of == stratum)
            share = np.count_nonzero(of[part] == stratum)
            assert abs(share - rows * len(part) / len(of)) < 2


@given(strata, st.integers(0, 2**31))
def test_same_seed_gives_the_same_split(of: np.ndarray, seed: int) -> None:
    spec = SplitSpec(validation=0.2, test=0.1, seed=seed)
    for one, other in zip(parts(split_classes(of, spec)), parts(split_classes(of, spec)), strict=True):
        assert one.tolist() == other.tolist()


def test_another_seed_gives_another_split() -> None:
    of = np.zeros(100, dtype=np.int64)
    other = SplitSpec(validation=0.2, test=0.1, seed=8)
    assert split_classes(of, SPEC).test.tolist() != split_classes(of, other).test.tolist()


def test_every_row_is_tested_by_some_seed() -> None:
    of = np.repeat(np.arange(2, dtype=np.int64), [30, 10])
    seeds = [SplitSpec(validation=0.2, test=0.1, seed=seed) for seed in range(120)]
    tested = np.concatenate([split_classes(of, spec).test for spec in seeds])
    assert set(tested.tolist()) == set(range(40))


def test_parts_are_not_ordered_by_stratum() -> None:
    of = np.repeat(np.arange(2, dtype=np.int64), 100)
    assert of[split_classes(of, SPEC).test].tolist() != sorted(of[split_classes(of, SPEC).test].tolist())


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_too_few_rows_for_a_part_are_refused(rows: int) -> None:
    with pytest.raises(InvalidJob, match=f"{rows} rows are too few"):
        split_classes(np.zeros(rows, dtype=np.int64), SPEC)


GROUPS = np.repeat(np.array(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]), 10)
NO_CLASSES = np.zeros(100, dtype=np.int64)


@given(st.integers(0, 2**31))
def test_groups_stay_whole(seed: int) -> None:
    spec = SplitSpec(validation=0.2, test=0.2, seed=seed, by="group", column="patient")
    split = split_rows(Keys(NO_CLASSES, GROUPS), spec)
    groups = [set(GROUPS[part].tolist()) for part in parts(split)]
    assert [len(group) for group in groups] == [6, 2, 2]
    assert len(set.union(*groups)) == 10


def test_time_trains_on_the_past_and_tests_on_the_latest() -> None:
    moments = np.random.default_rng(1).permutation(100)
    spec = SplitSpec(validation=0.2, test=0.1, seed=1, by="time", column="day")
    split = split_rows(Keys(NO_CLASSES, moments), spec)
    train, validation, test = (sorted(moments[part].tolist()) for part in parts(split))
    assert (train, validation, test) == (list(range(70)), list(range(70, 90)), list(range(90, 100)))


def test_test_rows_that_the_data_names_are_the_test_rows() -> None:
    held_out = np.arange(100) % 4 == 0
    split = split_rows(Keys(NO_CLASSES, held_out=held_out), SplitSpec(validation=0.2, seed=1, by="given"))
    assert sorted(split.test.tolist()) == np.flatnonzero(held_out).tolist()
    assert len(split.validation) == 20


def test_no_validation_split_leaves_all_else_for_training() -> None:
    split = split_rows(Keys(NO_CLASSES), SplitSpec(validation=0, test=0.2, seed=1))
    assert split.counts() == {"train": 80, "validation": 0, "test": 20}


@pytest.mark.parametrize("by", ["class", "group"])
def test_folds_take_turns_and_never_touch_the_test_rows(by: str) -> None:
    column = "patient" if by == "group" else None
    spec = SplitSpec.model_validate({"validation": 0, "test": 0.2, "seed": 1, "by": by, "column": column, "folds": 4})
    keys = Keys(np.arange(100) % 2, GROUPS)
    test = set(split_rows(keys, spec).test.tolist())
    folds = list(fold_rows(keys, spec, 4))
    assert all(set(fold.test.tolist()) == test for fold in folds)
    assert sorted(np.concatenate([fold.validation for fold in folds]).tolist()) == sorted(set(range(100)) - test)
    for fold in folds:
        assert len(fold.validation) == 20
        assert not set(fold.validation.tolist()) & set(fold.train.tolist())
        if by == "group":
            assert not set(GROUPS[fold.validation].tolist()) & set(GROUPS[fold.train].tolist())
        else:
            assert np.bincount(keys.strata[fold.validation]).tolist() == [10, 10]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"validation": 0.5, "test": 0.5}, "leave no rows for training"),
        ({"validation": 0.2}, "leave it out with by = 'given'"),
        ({"validation": 0.2, "test": 0.1, "by": "given"}, "leave it out with by = 'given'"),
        ({"validation": 0.2, "test": 0.1, "by": "group"}, "give it with by = 'group' or 'time'"),
        ({"validation": 0.2, "test": 0.1, "column": "day"}, "give it with by = 'group' or 'time'"),
        ({"validation": 0.2, "test": 0.1, "by": "time", "column": "day", "folds": 3}, "drop folds"),
    ],
)
def test_contradiction_is_refused(content: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        SplitSpec.model_validate({**content, "seed": 1})


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (SplitSpec(validation=0.2, seed=1, by="given"), "names no test rows of its own"),
        (SplitSpec(validation=0.2, test=0.1, seed=1, by="time", column="day"), "no column day"),
    ],
)
def test_data_without_what_the_split_goes_by_is_refused(spec: SplitSpec, told: str) -> None:
    with pytest.raises(InvalidJob, match=told):
        split_rows(Keys(NO_CLASSES), spec)
