from bisect import bisect_left

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.observability.histogram import ROWS, SECONDS, cell_count, cumulative


def test_counts_become_cumulative_under_their_bounds_names() -> None:
    assert cumulative((1, 2), [1, 2, 1]) == [("1.0", 1), ("2.0", 3), ("+Inf", 4)]


@given(st.lists(st.floats(0, 20) | st.sampled_from(SECONDS)))
@settings(deadline=None)
def test_buckets_count_what_lies_at_or_under_their_bound(values: list[float]) -> None:
    counts = [0] * (cell_count(SECONDS) - 1)
    for value in values:
        counts[bisect_left(SECONDS, value)] += 1
    naive = {repr(bound): sum(value <= bound for value in values) for bound in SECONDS}
    assert dict(cumulative(SECONDS, counts)) == {**naive, "+Inf": len(values)}


@pytest.mark.parametrize("bounds", [SECONDS, ROWS])
def test_bounds_ascend(bounds: tuple[float, ...]) -> None:
    assert list(bounds) == sorted(set(bounds))
