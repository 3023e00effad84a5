"""The bounds by themselves: a rule that deserves to pass them does, and rules that are known to be bad do not."""

import pytest

from loadtests.simulation.acceptance import KINDS, OVERLOAD, Claim, Kind, Traffic, goodput_claim, latency_claim
from loadtests.simulation.device import CASES, Case
from loadtests.simulation.policies import BoundedWindow, FanOut, FirstComeFirstServed, FixedWindow, ShrinkToTheOldest
from tests.unit.loadtests.simulation.best_policies import window_drop

DENSE = CASES[0]


def overload(case: Case, kind: Kind = "Poisson", number: int = 2_000) -> Traffic:
    return Traffic(case, kind, OVERLOAD, seed=5, number=number)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_window_drop_that_knows_the_device_is_good_enough(case: Case, kind: Kind) -> None:
    claim = goodput_claim(window_drop, overload(case, kind))
    assert claim.holds, claim


def test_shrinking_the_batch_to_save_the_oldest_collapses_under_overload() -> None:
    claim = goodput_claim(
        lambda case: ShrinkToTheOldest(case.max_batch_rows, device=case.device), overload(DENSE, number=3_000)
    )
    assert claim.ratio < 0.6, claim
    assert not claim.holds


@pytest.mark.parametrize("case", [DENSE, CASES[2]], ids=lambda case: case.name)
def test_answering_whoever_came_first_fails_under_overload(case: Case) -> None:
    assert not goodput_claim(lambda case: FirstComeFirstServed(case.max_batch_rows), overload(case)).holds
    assert not goodput_claim(lambda case: BoundedWindow(case.max_batch_rows), overload(case)).holds


@pytest.mark.parametrize(("load", "window_seconds"), [(0.1, 0.001), (0.6, 0.001), (0.1, 0.005)])
def test_a_window_fails_the_bound_on_latency(load: float, window_seconds: float) -> None:
    traffic = Traffic(DENSE, "Poisson", load, seed=5, number=400)
    claim = latency_claim(lambda case: FixedWindow(case.max_batch_rows, window_seconds=window_seconds), traffic)
    assert not claim.holds, claim


def test_calls_of_one_row_each_fail_at_loads_that_batches_carry() -> None:
    claim = goodput_claim(lambda _: FanOut(1), Traffic(DENSE, "Poisson", 0.6, seed=5, number=1_000))
    assert claim.ratio < 0.2, claim


def test_refused_requests_count_with_their_patience() -> None:
    """Otherwise refusing everybody but the lucky would be the shortest way to a short mean."""
    traffic = Traffic(CASES[2], "Poisson", 0.6, seed=5, number=400)
    honest = latency_claim(window_drop, traffic)
    choosy = latency_claim(lambda _: BoundedWindow(1, max_enqueued_batches=1, window_seconds=0.0), traffic)
    assert honest.holds, honest
    assert not choosy.holds, choosy


def test_claim_says_what_it_is_about() -> None:
    claim = Claim("goodput", overload(DENSE), 0.5, 0.8, 0.95)
    assert str(claim) == (
        "0.30 + 0.010 b ms, B=64, D=5 ms, Poisson, load 1.3, seed 5: goodput 0.5 of 0.8, 0.625 (bound 0.95)"
    )
