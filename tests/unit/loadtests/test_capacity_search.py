"""The search, run against a synthetic queue in virtual time: one server, a fixed time for each request."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from loadtests.arrivals import Phase, Seconds, poisson_arrivals
from loadtests.capacity_search import (
    CapacityResult,
    Counts,
    Limit,
    Trial,
    knee,
    limit_above,
    search,
    trial_seconds,
)

SERVICE_SECONDS, BOUND_SECONDS = 0.001, 0.010


def waits(rate: float, seed: int) -> Seconds:
    """Latencies of an M/D/1 queue, by Lindley's recursion."""
    due = poisson_arrivals([Phase(rate, trial_seconds(rate, 20.0))], seed)
    slack = np.arange(1, len(due) + 1) * SERVICE_SECONDS
    ended = slack + np.maximum.accumulate(due - (slack - SERVICE_SECONDS))
    return np.asarray(ended - due)


def searched(
    holds: Callable[[float], bool], start: float, most_per_second: float = float("inf")
) -> tuple[float | None, list[float]]:
    rates: list[float] = []
    steps = search(start, resolution=0.02, most_per_second=most_per_second)
    try:
        rate = next(steps)
        while True:
            rates.append(rate)
            rate = steps.send(holds(rate))
    except StopIteration as over:
        found: float | None = over.value
        return found, rates


@pytest.mark.parametrize("start", [1.0, 300.0, 1_000.0, 20_000.0])
def test_a_threshold_is_found_from_below_and_from_above(start: float) -> None:
    found, rates = searched(lambda rate: rate <= 777.0, start)
    assert found is not None
    assert found <= 777.0 < found * 1.02
    assert len(rates) < 25


def test_no_rate_holds() -> None:
    assert searched(lambda _: False, 12.0) == (None, [12.0, 6.0, 5.0])


def test_the_most_that_is_asked_ends_the_search() -> None:
    assert searched(lambda _: True, 100.0, most_per_second=350.0) == (350.0, [100.0, 200.0, 350.0])


def test_the_capacity_of_a_queue_is_near_what_theory_says() -> None:
    """At a load of 0.773 one in a hundred of M/D/1 takes longer than ten services: the tail is C exp(-x t)."""
    counted: dict[float, int] = {}

    def holds(rate: float) -> bool:
        latency = waits(rate, seed=len(counted))
        counts = Counts(len(latency), int((latency > BOUND_SECONDS).sum()), 0)
        counted[rate] = counts.late
        return counts.verdict == "held"

    found, _ = searched(holds, 100.0)
    assert found == pytest.approx(773.0, rel=0.08)


def test_counts_hold_miss_or_ask_for_more() -> None:
    assert Counts(459, 0, 0).verdict == "held"
    assert Counts(459, 1, 0).verdict == "unsure"
    assert Counts(459, 1, 0).plus(Counts(459, 0, 0)).verdict == "held"
    assert Counts(459, 60, 0).verdict == "missed"
    assert Counts(10_000, 0, 10).verdict == "held"
    assert Counts(10_000, 0, 11).verdict == "missed"


@pytest.mark.parametrize(("rate", "seconds"), [(1_000.0, 10.0), (10.0, 92.18)])
def test_a_low_rate_is_tried_for_longer(rate: float, seconds: float) -> None:
    assert trial_seconds(rate, 10.0) == pytest.approx(seconds)


def trial(rate: float, p99: float | None, *, limit: Limit | None = None) -> Trial:
    return Trial(
        rate_per_second=rate,
        seconds=10.0,
        requests=1_000,
        late=0,
        failed=0,
        goodput_per_second=rate,
        p50_seconds=p99,
        p90_seconds=p99,
        p99_seconds=p99,
        p999_seconds=p99,
        invalid_because=None,
        is_held=limit is None,
        limit=limit,
    )


def test_the_knee_is_where_the_curve_turns_up() -> None:
    flat = [trial(rate, 0.001 + rate * 1e-7) for rate in (100, 200, 300, 400, 500)]
    steep = [trial(600, 0.005), trial(700, 0.05, limit="latency")]
    assert knee([*steep, *flat, trial(1_400, 9.0, limit="latency")]) == 600
    assert knee(flat[:2]) is None
    assert knee([trial(rate, 0.001) for rate in (1, 2, 3)]) is None


def test_what_limits_is_the_least_rate_that_missed() -> None:
    trials = [trial(100, 0.001), trial(400, 1.0, limit="errors"), trial(200, 1.0, limit="generator")]
    assert limit_above(trials, 100.0) == "generator"
    assert limit_above(trials[:1], 100.0) is None
    assert limit_above(trials, None) == "generator"


def test_a_result_comes_back_from_its_file(tmp_path: Path) -> None:
    result = CapacityResult(
        url="http://127.0.0.1:8080",
        model="digits",
        protocol="rest",
        command=("penstock",),
        started_at="2026-01-01T00:00:00+00:00",
        bound_seconds=0.05,
        per_second=100.0,
        knee_per_second=None,
        limit="latency",
        trials=(trial(100, 0.001), trial(200, None, limit="latency")),
    )
    result.write(tmp_path / "capacity.json")
    assert CapacityResult.read(tmp_path / "capacity.json") == result
    (tmp_path / "capacity.json").write_text("{}")
    with pytest.raises(ValueError, match="no result of a capacity search"):
        CapacityResult.read(tmp_path / "capacity.json")
