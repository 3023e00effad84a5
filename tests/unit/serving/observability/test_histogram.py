import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.observability.histogram import ROWS, SECONDS, Histogram


def cumulative(bounds: tuple[float, ...], *values: float) -> dict[str, float]:
    histogram = Histogram(bounds)
    for value in values:
        histogram.observe(value)
    return dict(histogram.cumulative())


def test_a_bound_belongs_to_its_bucket() -> None:
    assert cumulative((1, 2), 1.0, 1.5, 2.0, 2.5) == {"1.0": 1, "2.0": 3, "+Inf": 4}


def test_an_unused_histogram_counts_nothing() -> None:
    assert set(cumulative(SECONDS).values()) == {0}


@given(st.lists(st.floats(0, 20) | st.sampled_from(SECONDS)))
@settings(deadline=None)
def test_buckets_count_what_lies_at_or_under_their_bound(values: list[float]) -> None:
    naive = {repr(bound): sum(value <= bound for value in values) for bound in SECONDS}
    assert cumulative(SECONDS, *values) == {**naive, "+Inf": len(values)}


@given(st.lists(st.floats(0, 1e6)))
@settings(deadline=None)
def test_the_total_is_the_sum(values: list[float]) -> None:
    histogram = Histogram(ROWS)
    for value in values:
        histogram.observe(value)
    assert histogram.total == pytest.approx(math.fsum(values))


@pytest.mark.parametrize("bounds", [SECONDS, ROWS])
def test_bounds_ascend(bounds: tuple[float, ...]) -> None:
    assert list(bounds) == sorted(set(bounds))
