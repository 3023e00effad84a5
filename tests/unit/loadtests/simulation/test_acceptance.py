"""Our core beside the oracles: a part of the grid of `make bench-batching`, small enough for every run."""

import pytest

from loadtests.simulation.acceptance import OVERLOAD, Kind, Traffic, goodput_claim, latency_claim
from loadtests.simulation.device import CASES, Case
from loadtests.simulation.ours import our_core

EVERY_CASE = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@EVERY_CASE
def test_goodput_under_overload_is_near_the_best_possible(case: Case) -> None:
    claim = goodput_claim(our_core, Traffic(case, "Poisson", OVERLOAD, seed=1, number=3_000))
    assert claim.holds, claim


def test_goodput_is_near_the_best_possible_when_overload_comes_in_spells() -> None:
    claim = goodput_claim(our_core, Traffic(CASES[0], "bursty", OVERLOAD, seed=1, number=5_000))
    assert claim.holds, claim


@EVERY_CASE
@pytest.mark.parametrize(("load", "kind"), [(0.1, "bursty"), (0.3, "Poisson"), (0.6, "Poisson")])
def test_mean_latency_is_near_the_least_possible(case: Case, load: float, kind: Kind) -> None:
    claim = latency_claim(our_core, Traffic(case, kind, load, seed=2, number=600))
    assert claim.holds, claim
