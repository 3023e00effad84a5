import math

import pytest

from loadtests.early_stopping import chance_of_at_most, is_held, is_missed, requests_needed


@pytest.mark.parametrize(("late", "requests"), [(0, 459), (1, 662), (2, 838), (5, 1307)])
def test_the_counts_of_mlperf_at_p99(late: int, requests: int) -> None:
    assert requests_needed(late) == requests
    assert is_held(requests, late)
    assert not is_held(requests - 1, late)


def test_another_percentile_needs_another_count() -> None:
    assert requests_needed(0, percentile=0.9) == math.ceil(math.log(0.01) / math.log(0.9))


def test_the_binomial_sum_is_exact_where_it_can_be_counted() -> None:
    exact = sum(math.comb(50, k) * 0.1**k * 0.9 ** (50 - k) for k in range(8))
    assert chance_of_at_most(7, 50, 0.1) == pytest.approx(exact, rel=1e-12)
    assert chance_of_at_most(50, 50, 0.1) == 1.0


def test_large_counts_neither_overflow_nor_vanish() -> None:
    assert chance_of_at_most(10_000, 1_000_000, 0.01) == pytest.approx(0.5, abs=0.01)
    assert requests_needed(10_000) == pytest.approx(1_023_500, rel=0.001)


def test_between_held_and_missed_nothing_is_sure() -> None:
    unsure = [late for late in range(60) if not is_held(2_000, late) and not is_missed(2_000, late)]
    assert unsure == list(range(10, 32))  # 20 are expected where exactly one in a hundred is late
    assert not is_missed(1, 0)
