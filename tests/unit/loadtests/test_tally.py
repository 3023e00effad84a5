"""Requests counted in several processes and put together in one."""

import numpy as np
import pytest

from loadtests.latencies import Latencies
from loadtests.tally import Counted, Tally

STARTED = 1_000.0


def counted(*requests: tuple[float, str, float | None, str | None]) -> Counted:
    found = Counted()
    for request in requests:
        found.count(*request)
    return found


def test_processes_add_up_to_what_one_would_have_counted() -> None:
    random = np.random.default_rng(1)
    requests = [(STARTED + random.uniform(0, 4), "200", float(random.lognormal(-6, 1)), None) for _ in range(2_000)]
    whole, parts = Tally(STARTED), Tally(STARTED)
    whole.merge(counted(*requests).drain())
    for place in range(4):
        parts.merge(counted(*requests[place::4]).drain())
    assert parts.ended()[1] == whole.ended()[1]
    wanted = Latencies.of(latency for _, _, latency, _ in requests)
    for latencies in (parts.ended()[0], whole.ended()[0]):
        assert latencies.count == 2_000
        assert latencies.percentile_seconds(99) == wanted.percentile_seconds(99)


def test_an_interval_has_the_second_a_request_was_sent_in() -> None:
    tally = Tally(STARTED)
    tally.merge(
        counted(
            (STARTED + 0.2, "200", 0.010, None),
            (STARTED + 1.9, "400", 0.030, None),
            (STARTED + 1.1, "503", 0.020, "no room"),
            (STARTED + 3.5, "0", None, "no answer"),
        ).drain()
    )
    _, intervals = tally.ended()
    assert [(each.at_seconds, each.sent, each.good, each.failed) for each in intervals] == [
        (0, 1, 1, 0),
        (1, 2, 1, 1),
        (3, 1, 0, 1),
    ]
    assert intervals[1].p50_seconds == pytest.approx(0.020)
    assert intervals[1].max_seconds == pytest.approx(0.030)
    assert intervals[2].p99_seconds is None
    assert dict(tally.statuses) == {"200": 1, "400": 1, "503": 1, "0": 1}
    assert dict(tally.errors) == {"no room": 1, "no answer": 1}
    assert (tally.sent, tally.good) == (4, 2)


def test_seconds_are_a_second_apart_whenever_the_run_began() -> None:
    tally = Tally(STARTED + 0.7)
    tally.merge(counted(*((STARTED + 0.8 + place, "200", 0.001, None) for place in range(3))).drain())
    assert [each.at_seconds for each in tally.ended()[1]] == [0, 1, 2]


def test_what_was_told_is_not_told_again() -> None:
    process = counted((STARTED, "200", 0.001, None))
    tally = Tally(STARTED)
    tally.merge(process.drain())
    process.count(STARTED, "200", 0.002, None)
    tally.merge(process.drain())
    tally.merge(process.drain())
    assert (tally.sent, tally.ended()[0].count) == (2, 2)


def test_settling_early_loses_nothing() -> None:
    tally, process = Tally(STARTED), Counted()
    for second in range(20):
        process.count(STARTED + second, "200", 0.001 * (second + 1), None)
        tally.merge(process.drain())
        tally.settle(STARTED + second - 5)
    latencies, intervals = tally.ended()
    assert latencies.count == 20
    assert [each.at_seconds for each in intervals] == list(range(20))
    assert latencies.max_seconds == pytest.approx(0.020, rel=1e-3)


def test_the_live_figures_are_those_of_the_last_seconds() -> None:
    tally = Tally(STARTED)
    slow = [(STARTED + 1, "200", 9.0, None)] * 50
    quick = [(STARTED + second, "200", 0.010, None) for second in range(10, 15) for _ in range(20)]
    tally.merge(counted(*slow, *quick).drain())
    recent = tally.recent(STARTED + 15.5)
    assert recent.per_second == 20
    assert recent.p99_seconds == pytest.approx(0.010)
    assert np.isnan(Tally(STARTED).recent(STARTED).p50_seconds)


def test_the_processes_own_lateness_is_put_together() -> None:
    tally = Tally(STARTED)
    for lateness in ([0.001, 0.002], [0.030], []):
        process = Counted(lateness=list(lateness))
        tally.merge(process.drain())
        tally.merge(process.drain())
    assert tally.lateness.count == 3
    assert tally.lateness.max_seconds == pytest.approx(0.030, rel=1e-3)
