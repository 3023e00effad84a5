"""Casting numbers: the quick look at finite ones beside the thorough one."""

from typing import Any

import numpy as np
import pytest

from serving.preprocessing.arrays import cast_numbers, surely_finite


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 783, 1567])
def test_the_quick_look_misses_no_number_that_is_none(kind: type[np.floating[Any]], bad: float, place: int) -> None:
    values = np.full((2, 784), np.finfo(kind).tiny, kind)
    assert surely_finite(values)
    values.reshape(-1)[place] = bad
    assert not surely_finite(values)


def test_what_is_too_large_to_be_squared_is_left_to_the_thorough_look() -> None:
    values = np.full((1, 4), np.finfo(np.float32).max)
    assert not surely_finite(values)
    assert cast_numbers(values, np.dtype(np.float32), lambda row: f"/{row}") is values
