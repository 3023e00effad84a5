"""The core against what queueing theory says of it: a mistake in the order or the timing of batches shows up here."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import accumulate
from random import Random
from statistics import mean, stdev

import pytest

from tests.unit.serving.batching.cores import batches, completed, new_core, submission

REQUESTS = 20_000


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_batches_of_one_through_one_slot_are_an_m_d_1_queue(load: float) -> None:
    """W = S + rho*S/(2(1-rho)) (Pollaczek-Khinchine)."""
    service = 1.0
    measured = measure(rate=load, seed=1, max_batch_rows=1, fixed_seconds=service)
    theory = service + load * service / (2 * (1 - load))
    assert measured.standard_error < 0.03 * theory, "the sample is too small to say anything"
    assert measured.mean_seconds == pytest.approx(theory, abs=4 * measured.standard_error)


@pytest.mark.parametrize("load", [0.3, 0.5, 0.7])
def test_mean_wait_stays_under_inoues_bound_when_batches_are_unbounded(load: float) -> None:
    """E[W] <= min(f0, f1) (Y. Inoue, Queueing analysis of GPU-based inference servers with dynamic batching, 2021)."""
    a, t0 = 0.5, 2.0
    rate = load / a
    measured = measure(rate, seed=2, max_batch_rows=REQUESTS, fixed_seconds=t0, per_row_seconds=a)
    f0 = (a + t0) / (2 * (1 - load)) * (1 + 2 * rate * t0 + (1 - rate * t0) / (1 + load))
    f1 = 1.5 * t0 / (1 - load) + a / 2 * (load + 2) / (1 - load**2)
    assert measured.standard_error < 0.03 * min(f0, f1), "the sample is too small to say anything"
    assert measured.mean_seconds <= min(f0, f1) + 4 * measured.standard_error


@dataclass(frozen=True, slots=True)
class Measured:
    mean_seconds: float
    standard_error: float
    """Neighbours' sojourn times are alike, those of long stretches are not: taken from the means of 20 stretches."""


def measure(
    rate: float, seed: int, *, max_batch_rows: int, fixed_seconds: float, per_row_seconds: float = 0.0
) -> Measured:
    times = list(sojourns(poisson(rate, seed), max_batch_rows, fixed_seconds, per_row_seconds))
    length = REQUESTS // 20
    stretches = [mean(times[first : first + length]) for first in range(0, REQUESTS, length)]
    return Measured(mean(times), stdev(stretches) / len(stretches) ** 0.5)


def poisson(rate: float, seed: int) -> list[float]:
    random = Random(seed)
    return list(accumulate(random.expovariate(rate) for _ in range(REQUESTS)))


def sojourns(
    arrivals: list[float], max_batch_rows: int, fixed_seconds: float, per_row_seconds: float
) -> Iterator[float]:
    """Seconds from arrival to answer, one row a request, one slot, in the order of the answers."""
    core = new_core(max_batch_rows=max_batch_rows)
    events: list[tuple[float, bool, int]] = [(at, True, request) for request, at in enumerate(arrivals)]
    while events:
        now, is_arrival, number = heappop(events)
        if is_arrival:
            core.submit(submission(number), now)
        else:
            yield from (now - arrivals[request] for request in completed(core.batch_done(number, now)))
        for batch in batches(core.fill_slots(now)):
            heappush(events, (now + fixed_seconds + per_row_seconds * batch.rows, False, batch.batch))
