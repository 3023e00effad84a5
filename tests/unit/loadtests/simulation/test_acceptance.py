"""Our core beside the oracles: a part of the grid of `make bench-batching`, small enough for every run."""

from dataclasses import replace
from functools import partial
from itertools import islice
from random import Random

import pytest

from loadtests.simulation.acceptance import OVERLOAD, Kind, Traffic, goodput_claim, latency_claim
from loadtests.simulation.arrivals import Arrival, poisson
from loadtests.simulation.device import CASES, Case
from loadtests.simulation.ours import our_core
from loadtests.simulation.simulator import simulate

EVERY_CASE = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@EVERY_CASE
def test_goodput_under_overload_is_near_the_best_possible(case: Case) -> None:
    claim = goodput_claim(our_core, Traffic(case, "Poisson", OVERLOAD, seed=1, number=2_500))
    assert claim.holds, claim


def test_goodput_is_near_the_best_possible_when_overload_comes_in_spells() -> None:
    claim = goodput_claim(our_core, Traffic(CASES[0], "bursty", OVERLOAD, seed=1, number=5_000))
    assert claim.holds, claim


@EVERY_CASE
@pytest.mark.parametrize(("load", "kind"), [(0.1, "bursty"), (0.3, "constant"), (0.6, "Poisson")])
def test_mean_latency_is_near_the_least_possible(case: Case, load: float, kind: Kind) -> None:
    claim = latency_claim(our_core, Traffic(case, kind, load, seed=2, number=400))
    assert claim.holds, claim


def test_goodput_does_not_collapse_when_calls_take_now_this_long_now_that() -> None:
    """A factor of two between the quick and the slow sixth of the calls; the oracle's device is steady."""
    traffic = Traffic(CASES[0], "Poisson", OVERLOAD, seed=1, number=3_000)
    noisy = replace(traffic.case.device, noise=0.35)
    outcome = simulate(our_core(traffic.case), traffic.arrivals(), noisy, seed=1)
    assert outcome.goodput >= 0.75 * traffic.best_goodput()


def test_goodput_is_near_the_best_possible_when_requests_come_in_clumps() -> None:
    claim = goodput_claim(our_core, Traffic(CASES[1], "clumped", OVERLOAD, seed=1, number=2_000))
    assert claim.holds, claim


@pytest.mark.parametrize("case", [CASES[0], CASES[2]], ids=lambda case: case.name)
def test_requests_of_every_size_get_their_share_under_overload(case: Case) -> None:
    """There is no oracle for requests of several rows; the device's capacity bounds what can be on time."""
    rows = [1, 1, 1, 2, 4, 8, 16] * 200
    Random(1).shuffle(rows)  # for whoever comes behind the largest finds the queue full
    rate = OVERLOAD * case.capacity_rows_per_second * len(rows) / sum(rows)
    times = islice(poisson(rate, seed=1), len(rows))
    arrivals = [Arrival(at, case.patience_seconds, size) for at, size in zip(times, rows, strict=True)]
    outcome = simulate(our_core(case), arrivals, case.device)
    shares = [outcome.of(partial(has_rows, size)).goodput for size in (1, 4, 16)]
    assert sum(shares) / len(shares) >= 0.85 / OVERLOAD
    assert min(shares) >= 0.8 * max(shares), "size is no reason to be left behind"


def has_rows(rows: int, arrival: Arrival) -> bool:
    return arrival.rows == rows
