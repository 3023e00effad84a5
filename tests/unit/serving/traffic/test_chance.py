import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.traffic.chance import chi_squared_bound, more_by_chance


def counted_out(many: int, of: int, control_many: int, control_of: int) -> float:
    """The hypergeometric tail by whole numbers."""
    struck, spared = many + control_many, of + control_of - many - control_many
    ways = sum(
        math.comb(struck, n) * math.comb(spared, of - n) for n in range(many, min(of, struck) + 1) if of - n >= 0
    )
    return ways / math.comb(of + control_of, of)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_fishers_tail_is_what_counting_out_gives(
    many: int, spared: int, control_many: int, control_spared: int
) -> None:
    of, control_of = many + spared, control_many + control_spared
    found = more_by_chance(many, of, control_many, control_of)
    assert found == pytest.approx(counted_out(many, of, control_many, control_of), rel=1e-9)


def test_the_lady_tasting_tea() -> None:
    """Fisher's own example: all four cups right, and three of four."""
    assert more_by_chance(4, 4, 0, 4) == pytest.approx(1 / 70)
    assert more_by_chance(3, 4, 1, 4) == pytest.approx(17 / 70)


def test_millions_of_requests_are_no_trouble() -> None:
    assert more_by_chance(1_000, 1_000_000, 9_000, 9_000_000) == pytest.approx(0.5, abs=0.02)
    assert more_by_chance(100_000, 100_000, 0, 900_000) < 1e-300


@pytest.mark.parametrize(
    ("freedom", "chance", "tabled"),
    [(1, 0.05, 3.841), (4, 0.01, 13.277), (9, 0.05, 16.919), (9, 0.001, 27.877), (9, 1e-6, 44.81)],
)
def test_chi_squared_is_near_the_tables(freedom: int, chance: float, tabled: float) -> None:
    assert chi_squared_bound(freedom, chance) == pytest.approx(tabled, rel=0.03)
