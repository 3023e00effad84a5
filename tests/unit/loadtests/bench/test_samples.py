import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.bench.samples import Sample, Spread, percentile, spread, spread_of, turn_by_turn

SAMPLE = Sample(requests=300, seconds=2.0, cpu_seconds=1.5, p50_ms=3.0, p99_ms=9.0)


def test_a_sample_knows_both_rates_and_its_share_of_the_core() -> None:
    assert (SAMPLE.per_second, SAMPLE.per_cpu_second, SAMPLE.core_share) == (150.0, 200.0, 0.75)


def test_a_turn_too_short_for_the_processors_clock_has_no_rate_by_it() -> None:
    assert str(Sample(3, 0.01, 0.0, 1.0, 1.0).per_cpu_second) == "nan"


def test_the_spread_is_the_median_and_both_ends() -> None:
    assert spread([3.0, 1.0, 10.0]) == Spread(3.0, 1.0, 10.0)
    assert spread_of([SAMPLE], lambda sample: sample.p99_ms) == Spread(9.0, 9.0, 9.0)


def test_figures_are_joined_turn_by_turn() -> None:
    assert turn_by_turn([10.0, 1.0], [5.0, 4.0], lambda a, b: a / b) == [2.0, 0.25]


def test_turns_that_do_not_match_are_no_ratio() -> None:
    with pytest.raises(ValueError, match="zip"):
        turn_by_turn([1.0, 2.0], [1.0], lambda a, b: a / b)


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 2), (0.51, 3), (0.75, 3), (0.99, 4), (1.0, 4)])
def test_percentile_is_the_nearest_rank(share: float, value: int) -> None:
    assert percentile([1, 2, 3, 4], share) == value


@given(st.lists(st.integers(), min_size=1), st.floats(0, 1))
def test_at_least_the_share_does_not_exceed_the_percentile(values: list[int], share: float) -> None:
    ordered = sorted(values)
    found = percentile(ordered, share)
    assert sum(value <= found for value in ordered) >= share * len(ordered) - 1e-6
