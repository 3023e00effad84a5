"""Several times the load on a core that the model shares with the door, with calls that vary: what collapsed once."""

from dataclasses import replace
from itertools import takewhile

import pytest

from loadtests.simulation.arrivals import Arrival, poisson
from loadtests.simulation.device import Case, Device
from loadtests.simulation.ours import our_core
from loadtests.simulation.outcome import Outcome
from loadtests.simulation.simulator import simulate

DENSE = Case("25 + 1.5 b ms, B=64, D=250 ms", Device(25e-3, 1.5e-3, door_seconds=85e-6), 64, 0.25)
"""Measured of a network of 784-8192-8192-10 on one core; a refusal and a quarter of a hostile request are its door."""
CALM, STORM = 0.5, 5.0
STARTS, ENDS, LAST = 3.0, 9.0, 14.0


def stormy(case: Case, seed: int) -> Outcome:
    capacity = case.capacity_rows_per_second
    stretches = ((0.0, STARTS, CALM), (STARTS, ENDS, STORM), (ENDS, LAST, CALM))
    arrivals = [
        Arrival(at, case.patience_seconds)
        for place, (start, end, load) in enumerate(stretches)
        for at in takewhile(end.__gt__, poisson(load * capacity, 10 * seed + place, start))
    ]
    return simulate(our_core(case), arrivals, case.device, seed)


@pytest.mark.parametrize(("noise", "least"), [(0.0, 0.6), (0.15, 0.5), (0.4, 0.3)])
@pytest.mark.parametrize("seed", [1, 2])
def test_five_times_the_load_leaves_most_of_what_the_core_can_do(noise: float, least: float, seed: int) -> None:
    """The door takes 22 % of the core, and what varies more needs smaller batches. While each size had a p95 of its own
    batches became smaller and smaller, for the larger ones were never tried again; and calls that were given up at
    their deadline taught nothing, so that in the end every call was.
    """
    case = replace(DENSE, device=replace(DENSE.device, noise=noise))
    outcome = stormy(case, seed)
    during = outcome.of(lambda arrival: STARTS + 1 <= arrival.at_seconds < ENDS)
    assert during.on_time / (ENDS - STARTS - 1) >= least * case.capacity_rows_per_second
    after = outcome.of(lambda arrival: arrival.at_seconds >= ENDS + 2)
    assert after.goodput > 0.97


@pytest.mark.parametrize("load", [0.7, 0.8, 0.9])
def test_calls_that_vary_much_do_not_make_batches_smaller_and_smaller(load: float) -> None:
    case = replace(DENSE, device=replace(DENSE.device, noise=0.3))
    rate = load * case.capacity_rows_per_second
    arrivals = [Arrival(at, case.patience_seconds) for at in takewhile(lambda at: at < 12.0, poisson(rate, seed=2))]
    outcome = simulate(our_core(case), arrivals, case.device, seed=2)
    late = outcome.of(lambda arrival: arrival.at_seconds >= 4.0)
    assert late.on_time / 8.0 > 0.45 * case.capacity_rows_per_second
