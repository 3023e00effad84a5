"""The population stability index, by its definition and by what it is for."""

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.observability.drift import population_stability_index

BINS = 20
counts = st.lists(st.integers(0, 10_000), min_size=BINS, max_size=BINS)


def test_by_hand_on_bins_so_full_that_half_a_value_is_nothing() -> None:
    expected = (0.6 - 0.5) * log(0.6 / 0.5) + (0.4 - 0.5) * log(0.4 / 0.5)
    assert population_stability_index([5e9, 5e9], [6e9, 4e9]) == pytest.approx(expected, rel=1e-6)


@settings(max_examples=25)
@given(counts)
def test_of_what_is_the_same_it_is_nothing(same: list[int]) -> None:
    assert population_stability_index(same, same) == 0.0


@settings(max_examples=25)
@given(counts, counts)
def test_it_is_never_negative_never_infinite_and_the_same_both_ways(one: list[int], other: list[int]) -> None:
    found = population_stability_index(one, other)
    assert 0.0 <= found < 50.0
    assert found == pytest.approx(population_stability_index(other, one))


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from([500, 2_000, 20_000]))
def test_two_draws_of_one_distribution_are_near_nothing(seed: int, rows: int) -> None:
    """The bound is five times the mean that theory has for it."""
    random = np.random.default_rng(seed)
    trained, served = random.normal(size=5_000), random.normal(size=rows)
    assert index_of(trained, served) < 5 * (BINS - 1) * (1 / rows + 1 / 5_000)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1.0, -1.0, 3.0]))
def test_a_shift_by_a_deviation_is_an_alarm(seed: int, shift: float) -> None:
    random = np.random.default_rng(seed)
    assert index_of(random.normal(size=5_000), random.normal(size=500) + shift) > 0.2


def test_a_bin_that_is_empty_on_one_side_counts_and_one_stray_value_is_no_alarm() -> None:
    trained = [100] * 10 + [0]
    assert population_stability_index(trained, [100] * 10 + [1]) < 0.01
    assert population_stability_index(trained, [100] * 10 + [300]) > 0.2


@pytest.mark.parametrize(("expected", "actual"), [([0, 0], [1, 2]), ([1, 2], [0, 0]), ([0, 0], [0, 0])])
def test_without_any_values_there_is_nothing_to_say(expected: list[float], actual: list[float]) -> None:
    assert population_stability_index(expected, actual) == 0.0


def test_bins_that_do_not_match_are_an_error() -> None:
    with pytest.raises(ValueError, match="argument 2"):
        population_stability_index([1, 2], [1, 2, 3])


def index_of(trained: "np.ndarray[tuple[int], np.dtype[np.float64]]", served: object) -> float:
    counted, edges = np.histogram(trained, BINS)
    edges[0], edges[-1] = -np.inf, np.inf
    return population_stability_index(counted.tolist(), np.histogram(np.asarray(served), edges)[0].tolist())
