"""The simulated world: what one can reckon by hand, and that it repeats."""

import pytest

from loadtests.simulation.acceptance import Traffic
from loadtests.simulation.arrivals import Arrival
from loadtests.simulation.device import CASES, Device
from loadtests.simulation.ours import our_core
from loadtests.simulation.outcome import Outcome
from loadtests.simulation.policies import FirstComeFirstServed, FixedWindow
from loadtests.simulation.simulator import simulate
from serving.batching.admission import QueueLimits
from serving.batching.policy import BatchingCore

DEVICE = Device(fixed_seconds=2.0, per_row_seconds=0.5)


def latencies(*times: float, policy: FirstComeFirstServed, device: Device = DEVICE) -> list[float]:
    return list(simulate(policy, [Arrival(at, 100.0) for at in times], device).latencies)


def test_a_lone_request_takes_what_the_device_takes() -> None:
    assert latencies(1.0, policy=FirstComeFirstServed(4)) == [2.5]


def test_who_waits_meanwhile_shares_the_next_batch() -> None:
    assert latencies(0.0, 1.0, 2.0, policy=FirstComeFirstServed(4)) == [2.5, 4.5, 3.5]


def test_window_waits_and_a_full_batch_does_not() -> None:
    assert latencies(0.0, 1.0, policy=FixedWindow(4, window_seconds=3.0)) == [6.0, 5.0]
    assert latencies(0.0, 1.0, policy=FixedWindow(2, window_seconds=3.0)) == [4.0, 3.0]


def test_device_works_on_one_batch_at_a_time_and_overhead_overlaps() -> None:
    slow_line = Device(fixed_seconds=2.0, per_row_seconds=0.0, overhead_seconds=1.0)
    assert latencies(0.0, 0.0, policy=FirstComeFirstServed(1, slots=2), device=slow_line) == [3.0, 5.0]
    assert latencies(0.0, 0.0, policy=FirstComeFirstServed(1, slots=1), device=slow_line) == [3.0, 6.0]


def test_call_is_given_up_at_its_deadline_and_the_device_works_on() -> None:
    core = BatchingCore(max_batch_rows=1, slots=1, limits=QueueLimits(100, 10**9))
    outcome = simulate(core, [Arrival(0.0, 1.0), Arrival(0.5, 100.0)], DEVICE)
    assert outcome.refusals == {"DeadlineExceeded": 1}
    assert outcome.refused_at[0] == 1.0
    assert outcome.answered_at[1] == 5.0, "the first call keeps the device until 2.5"


def test_a_gateway_on_the_devices_core_takes_its_share_of_every_call() -> None:
    """Four come while the first is worked on, a second of the core each."""
    shared = Device(fixed_seconds=8.0, per_row_seconds=0.0, door_seconds=1.0)
    assert latencies(0.0, 1.0, 2.0, 3.0, 4.0, policy=FirstComeFirstServed(1), device=shared)[0] == 12.0


def test_noise_is_seeded() -> None:
    case = CASES[0]
    noisy = Device(case.device.fixed_seconds, case.device.per_row_seconds, noise=0.3)
    arrivals = Traffic(case, "Poisson", 0.5, 1, 100).arrivals()
    first, again, other = (repr(simulate(our_core(case), arrivals, noisy, seed).answered_at) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("load", [0.5, 1.5])
def test_same_seed_same_outcome(load: float) -> None:
    first, again = (trace(load) for _ in range(2))
    assert repr(first) == repr(again)


def trace(load: float) -> tuple[list[float], list[int]]:
    outcome = simulate(our_core(CASES[0]), Traffic(CASES[0], "bursty", load, 3, 500).arrivals(), CASES[0].device)
    return outcome.answered_at.tolist(), outcome.batch_rows


def test_outcome_counts_on_time_late_refused_and_lost() -> None:
    outcome = simulate(FirstComeFirstServed(1), [Arrival(0.0, 2.5), Arrival(0.0, 4.0, tenant="b")], DEVICE)
    assert (outcome.on_time, outcome.goodput, outcome.lost) == (1, 0.5, 0)
    assert (outcome.mean_seconds, outcome.latency_seconds(0.5)) == (3.75, 3.75)
    assert (outcome.batch_rows, outcome.mean_batch_rows) == ([1, 1], 1.0)
    assert outcome.of(lambda arrival: arrival.tenant == "b").goodput == 0.0
    assert never_answered().lost == 1


def never_answered() -> Outcome:
    return simulate(FirstComeFirstServed(1, slots=0), [Arrival(0.0, 1.0)], DEVICE)
