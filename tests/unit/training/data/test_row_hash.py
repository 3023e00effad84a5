"""Which part a streamed row is in: the same for ever, evenly drawn, another one with another seed."""

import numpy as np
import pytest

from training.data.row_hash import PARTS, part_of, uniform
from training.data.spec import SplitSpec

ROWS = np.arange(200_000, dtype=np.int64)


def test_test_rows_stay_test_rows_from_release_to_release() -> None:
    parts = part_of(ROWS[:40], SplitSpec(validation=0.2, test=0.1, seed=7))
    # "e" is a test row; these letters change only if every published split is to change with them
    assert "".join("tve"[part] for part in parts) == "ttttttttttetvttvtttvetttttttvtttvettvtvv"


def test_part_depends_on_the_row_alone_not_on_the_piece_it_came_in() -> None:
    spec = SplitSpec(validation=0.2, test=0.1, seed=7)
    assert (part_of(ROWS[1000:1500], spec) == part_of(ROWS, spec)[1000:1500]).all()


def test_numbers_are_even_and_of_each_seed_its_own() -> None:
    drawn, other = uniform(ROWS, 1), uniform(ROWS, 2)
    assert np.histogram(drawn, bins=10, range=(0, 1))[0] == pytest.approx(len(ROWS) / 10, rel=0.02)
    assert abs(np.corrcoef(drawn, other)[0, 1]) < 0.01
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.01


def test_without_validation_rows_train_or_test() -> None:
    parts = part_of(ROWS, SplitSpec(validation=0, test=0.25, seed=1))
    counts = np.bincount(parts, minlength=len(PARTS)) / len(ROWS)
    assert counts == pytest.approx([0.75, 0, 0.25], abs=0.01)
