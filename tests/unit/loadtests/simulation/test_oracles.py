"""The oracles: as good as the best of all schedules, and never beaten by a policy."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.simulation.acceptance import mean_with_refusals
from loadtests.simulation.arrivals import Arrival
from loadtests.simulation.device import Case, Device
from loadtests.simulation.oracles import least_mean_seconds, most_on_time
from loadtests.simulation.ours import our_core
from loadtests.simulation.policies import BoundedWindow, FanOut, FixedWindow, ShrinkToTheOldest
from loadtests.simulation.simulator import Policy, simulate
from tests.unit.loadtests.simulation.best_policies import least_mean_of_all, most_on_time_of_all, window_drop

GAPS = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, 1.75, 4.0]), min_size=1, max_size=6)
DEVICES = st.builds(Device, st.sampled_from([0.25, 1.0, 2.0]), st.sampled_from([0.0, 0.125, 1.0]))
PATIENCES = st.sampled_from([1.0, 2.0, 3.5, 8.0])
POLICIES: list[Callable[[Case], Policy]] = [
    our_core,
    window_drop,
    lambda case: FixedWindow(case.max_batch_rows, window_seconds=0.5),
    lambda case: BoundedWindow(case.max_batch_rows, max_enqueued_batches=2),
    lambda case: ShrinkToTheOldest(case.max_batch_rows, device=case.device),
    lambda _: FanOut(1),
]


def times_of(gaps: list[float]) -> list[float]:
    return [sum(gaps[: number + 1]) for number in range(len(gaps))]


@settings(max_examples=40)
@given(GAPS, DEVICES, st.integers(1, 3), PATIENCES)
def test_most_on_time_is_the_best_of_all_schedules(
    gaps: list[float], device: Device, most: int, patience: float
) -> None:
    times = times_of(gaps)
    assert most_on_time(times, device, most, patience) == most_on_time_of_all(times, device, most, patience)


@settings(max_examples=40)
@given(GAPS.filter(lambda gaps: len(gaps) < 6), DEVICES, st.integers(1, 3))
def test_least_mean_is_the_best_of_all_schedules(gaps: list[float], device: Device, most: int) -> None:
    times = times_of(gaps)
    assert least_mean_seconds(times, device, most) == pytest.approx(least_mean_of_all(times, device, most))


def test_oracle_waits_for_company_that_it_knows_will_come() -> None:
    """Nobody who cannot look ahead would leave the device idle from 0 to 1."""
    device = Device(fixed_seconds=10.0, per_row_seconds=0.0)
    assert most_on_time([0.0, 1.0], device, 2, patience_seconds=11.0) == 2
    assert most_on_time([0.0, 1.0], device, 2, patience_seconds=10.5) == 1
    assert least_mean_seconds([0.0, 1.0], device, 2) == (11.0 + 10.0) / 2


@settings(max_examples=60)
@given(
    gaps=st.lists(st.sampled_from([0.0, 0.125, 0.5, 1.0, 3.0]), min_size=1, max_size=40),
    device=DEVICES,
    most=st.integers(1, 8),
    patience=PATIENCES,
    new=st.sampled_from(POLICIES),
)
def test_no_policy_answers_more_on_time(
    gaps: list[float], device: Device, most: int, patience: float, new: Callable[[Case], Policy]
) -> None:
    case, times = Case("any", device, most, patience), times_of(gaps)
    outcome = simulate(new(case), [Arrival(at, patience) for at in times], device)
    assert outcome.lost == 0
    assert outcome.on_time <= most_on_time(times, device, most, patience)


@settings(max_examples=60)
@given(
    gaps=st.lists(st.sampled_from([0.0, 0.125, 0.5, 1.0, 3.0]), min_size=1, max_size=30),
    device=DEVICES,
    most=st.integers(1, 8),
    new=st.sampled_from(POLICIES),
)
def test_no_policy_answers_everybody_sooner(
    gaps: list[float], device: Device, most: int, new: Callable[[Case], Policy]
) -> None:
    endless = 1e6
    case, times = Case("any", device, most, endless), times_of(gaps)
    outcome = simulate(new(case), [Arrival(at, endless) for at in times], device)
    assert mean_with_refusals(outcome, endless) >= least_mean_seconds(times, device, most) - 1e-9
