import numpy as np
import pytest

from loadtests.arrivals import Phase, poisson_arrivals, steady_arrivals

PHASES = (Phase(100.0, 2.0), Phase(1000.0, 1.0), Phase(100.0, 2.0))


def test_steady_arrivals_are_equally_far_apart_within_a_phase() -> None:
    due = steady_arrivals([Phase(4.0, 1.0), Phase(2.0, 1.0)])
    assert due.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0, 1.5]


def test_a_phase_without_requests_only_takes_its_time() -> None:
    assert steady_arrivals([Phase(0.0, 3.0), Phase(1.0, 1.0)]).tolist() == [3.0]


def test_no_phases_have_no_arrivals() -> None:
    assert len(steady_arrivals([])) == len(poisson_arrivals([], seed=1)) == 0


def test_poisson_arrivals_rise_and_keep_each_phases_rate() -> None:
    due = poisson_arrivals(PHASES, seed=1)
    assert np.all(np.diff(due) >= 0)
    for start, end, expected in ((0, 2, 200), (2, 3, 1000), (3, 5, 200)):
        count = int(np.sum((due >= start) & (due < end)))
        assert abs(count - expected) < 5 * expected**0.5  # five standard deviations
    assert due[-1] < 5


def test_gaps_of_poisson_arrivals_are_exponential() -> None:
    gaps = np.diff(poisson_arrivals([Phase(1000.0, 20.0)], seed=3))
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.05)  # regular arrivals would have none
    assert np.mean(gaps > gaps.mean()) == pytest.approx(np.exp(-1), abs=0.02)


def test_the_same_seed_makes_the_same_arrivals() -> None:
    assert poisson_arrivals(PHASES, seed=5).tolist() == poisson_arrivals(PHASES, seed=5).tolist()
    assert poisson_arrivals(PHASES, seed=5).tolist() != poisson_arrivals(PHASES, seed=6).tolist()
