"""Deadlines of a few calls' time: what is not known of large batches, or of calls given up, must not shut the core."""

from dataclasses import replace

import numpy as np
import pytest

from loadtests.simulation.acceptance import Traffic, goodput_claim
from loadtests.simulation.device import CASES, Case
from loadtests.simulation.ours import our_core

SINGLE_CALLS = [case.device.seconds(1) for case in CASES]


def hurried(number: int, calls: float) -> Case:
    """The device with callers that wait for so many calls of one row."""
    return replace(CASES[number], patience_seconds=calls * SINGLE_CALLS[number])


@pytest.mark.parametrize("load", [0.05, 0.2])
def test_batches_grow_although_nothing_is_known_of_larger_ones(load: float) -> None:
    """A call of one row takes a quarter of what callers wait: in proportion, one of two would take half of it."""
    claim = goodput_claim(our_core, Traffic(hurried(0, 4.0), "Poisson", load, seed=1, number=1_000))
    assert claim.ratio >= 0.99, claim


def test_patient_callers_of_the_slowest_device_lose_nothing_by_it() -> None:
    claim = goodput_claim(our_core, Traffic(hurried(2, 4.0), "Poisson", 0.2, seed=1, number=1_000))
    assert claim.ratio >= 0.98, claim


def test_calls_given_up_at_the_start_do_not_go_on_for_ever() -> None:
    """The first calls meet more than they can answer; each is given up while the device still works on it."""
    traffic = Traffic(hurried(0, 2.5), "Poisson", 0.9, seed=1, number=2_000)
    outcome = traffic.outcome(our_core)
    later = outcome.answered_at[len(outcome.arrivals) // 2 :]
    assert np.mean(~np.isnan(later)) > 0.1
