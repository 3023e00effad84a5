"""What the grid cannot show: an overload that ends, a greedy neighbour, urgent and patient work, batches in flight.

Pure. Each scenario is a stream of requests and what is read from its outcome; times are seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from loadtests.simulation.acceptance import NewPolicy
from loadtests.simulation.arrivals import Arrival, poisson, requests, together
from loadtests.simulation.device import Case, Device
from loadtests.simulation.outcome import Outcome
from loadtests.simulation.simulator import Policy, simulate
from serving.batching.events import Lane

CALM, OVERLOAD = 0.6, 2.0
SETTLED_PATIENCES = 2.0
"""So many of the callers' patience after an overload has ended, it should be forgotten."""
MODEST, GREEDY = 0.2, 2.0
URGENT, PATIENT = 1.5, 0.02
OVERLAPPING = Case("0.30 + 0.005 b ms, B=64, 0.4 ms overlappable", Device(0.30e-3, 0.005e-3, 0.4e-3), 64, 1e3)
"""A device behind a line: while one batch computes, the next may travel."""
OVERLAPPING_ROWS_PER_SECOND = 60_000.0


@dataclass(frozen=True, slots=True)
class Overload:
    """`share_of_capacity` is what was answered in time during it, of what the device does in full batches."""

    before_seconds: float
    share_of_capacity: float
    refusal_p50_seconds: float
    after_seconds: float
    after_goodput: float


def overload_that_ends(new: NewPolicy, case: Case, batches: int) -> Overload:
    """Load 0.6, then 2, then 0.6 again, each for as long as so many full batches take."""
    length = batches * case.device.seconds(case.max_batch_rows)
    capacity = case.capacity_rows_per_second
    arrivals = [
        Arrival(at, case.patience_seconds)
        for place, load in enumerate((CALM, OVERLOAD, CALM))
        for at in _until((place + 1) * length, poisson(load * capacity, place + 1, place * length))
    ]
    outcome = simulate(new(case), arrivals, case.device)
    before = outcome.of(lambda arrival: arrival.at_seconds < length)
    during = outcome.of(lambda arrival: length <= arrival.at_seconds < 2 * length)
    settled = 2 * length + SETTLED_PATIENCES * case.patience_seconds
    after = outcome.of(lambda arrival: arrival.at_seconds >= settled)
    return Overload(
        before.mean_seconds,
        during.on_time / (length * capacity),
        during.refusal_seconds(0.5),
        after.mean_seconds,
        after.goodput,
    )


@dataclass(frozen=True, slots=True)
class Neighbours:
    """A modest tenant by itself, and beside one that asks for twice what the device can do: ten times as much."""

    alone: Outcome
    beside: Outcome


def greedy_neighbour(new: NewPolicy, case: Case, number: int) -> Neighbours:
    """`number` is how many requests the modest tenant has."""
    capacity, patience = case.capacity_rows_per_second, case.patience_seconds
    modest = requests(poisson(MODEST * capacity, 1), number, patience, tenant="modest")
    times = _until(modest[-1].at_seconds, poisson(GREEDY * capacity, 2))
    greedy = [Arrival(at, patience, tenant="greedy") for at in times]
    both = simulate(new(case), together(modest, greedy), case.device)
    return Neighbours(simulate(new(case), modest, case.device), both.of(lambda arrival: arrival.tenant == "modest"))


def lanes_under_load(new: NewPolicy, case: Case, number: int) -> dict[Lane, Outcome]:
    """A fifth of the work is urgent, a tenth patient (twenty deadlines), the rest as usual; one and a half times what
    the device can do. `number` is how many requests it could answer meanwhile.
    """
    capacity, patience = case.capacity_rows_per_second, case.patience_seconds
    shares = {Lane.HIGH: (0.2, patience), Lane.NORMAL: (0.7, patience), Lane.BATCH: (0.1, 20 * patience)}
    streams = [
        [Arrival(at, waits, lane=lane) for at in _until(number / capacity, poisson(1.5 * share * capacity, lane))]
        for lane, (share, waits) in shares.items()
    ]
    outcome = simulate(new(case), together(*streams), case.device)
    return {lane: of_lane(outcome, lane) for lane in Lane}


def patient_work_under_urgent(new: NewPolicy, case: Case, number: int) -> Outcome:
    """A trickle in the batch lane while the high lane alone asks for one and a half times what the device can do."""
    capacity = case.capacity_rows_per_second
    end = number / capacity
    urgent = [Arrival(at, case.patience_seconds, lane=Lane.HIGH) for at in _until(end, poisson(URGENT * capacity, 1))]
    patient = [Arrival(at, 100 * end, lane=Lane.BATCH) for at in _until(end / 2, poisson(PATIENT * capacity, 2))]
    outcome = simulate(new(case), together(urgent, patient), case.device)
    return of_lane(outcome, Lane.BATCH)


def through_a_line(policy: Policy, number: int) -> Outcome:
    """60,000 rows a second on OVERLAPPING; nobody is in a hurry."""
    times = poisson(OVERLAPPING_ROWS_PER_SECOND, 1)
    return simulate(policy, requests(times, number, OVERLAPPING.patience_seconds), OVERLAPPING.device)


def of_lane(outcome: Outcome, lane: Lane) -> Outcome:
    return outcome.of(lambda arrival: arrival.lane == lane)


def _until(end_seconds: float, times: Iterator[float]) -> Iterator[float]:
    return takewhile(lambda at: at < end_seconds, times)
