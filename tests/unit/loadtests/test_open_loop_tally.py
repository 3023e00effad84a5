import numpy as np
import pytest

from loadtests.latencies import Latencies
from loadtests.open_loop import LATE_SECONDS, OpenLoopRun
from loadtests.open_loop_tally import Judge, Tally, intervals, merged, tally
from loadtests.wire import NO_ANSWER

NAN = float("nan")


def run_of(due: list[float], latency: list[float], status: list[int], *, own_late: float = 0.0) -> OpenLoopRun:
    """Sent when reached, `own_late` after due; a latency of NaN is no answer."""
    moments = np.array(due)
    sent = moments + own_late
    return OpenLoopRun(moments, sent, sent, moments + latency, np.array(status, np.int16), {})


def percentile(found: Tally, percent: float) -> float:
    return Latencies.decoded(found.latency).percentile_seconds(percent)


def test_good_is_the_wanted_status_within_the_deadline() -> None:
    run = run_of([0, 0.1, 0.2, 0.3, 0.4], [0.01, 0.01, 0.9, NAN, 0.01], [200, 400, 200, NO_ANSWER, 200])
    found = tally(run, Judge(wanted=(200, 400), deadline_seconds=0.5))
    assert (found.sent, found.good) == (5, 3)  # the refusal of the bad one is good
    assert found.statuses == {0: 1, 200: 3, 400: 1}


def test_what_has_no_answer_or_one_beyond_the_bound_is_late() -> None:
    run = run_of([0, 0.1, 0.2], [0.01, NAN, 0.03], [200, NO_ANSWER, 503])
    assert tally(run, Judge((200,), bound_seconds=0.02)).late == 2
    assert tally(run, Judge((200,), bound_seconds=0.04)).late == 1


def test_processes_add_up_to_one() -> None:
    random = np.random.default_rng(1)
    due, latency = np.sort(random.random(4_000)) * 3, random.lognormal(-6, 1, 4_000)
    status = random.choice([200, 503], 4_000)
    whole = OpenLoopRun(due, due, due, due + latency, status.astype(np.int16))
    parts = [
        OpenLoopRun(due[i::2], due[i::2], due[i::2], (due + latency)[i::2], status[i::2].astype(np.int16))
        for i in (0, 1)
    ]
    judge = Judge((200,), bound_seconds=0.01)
    both, alone = merged([tally(part, judge) for part in parts]), tally(whole, judge)
    for name in ("sent", "good", "late", "behind", "waited", "statuses", "ended_seconds"):
        assert getattr(both, name) == getattr(alone, name)
    for percent in (50, 90, 99, 99.9):
        assert percentile(both, percent) == percentile(alone, percent)
    assert intervals(both) == intervals(alone)


def test_seconds_are_those_in_which_requests_were_due() -> None:
    run = run_of([0.5, 0.7, 2.1], [2.0, NAN, 0.004], [200, NO_ANSWER, 503])
    first, second, third = intervals(tally(run, Judge((200,))))
    assert (first.sent, first.good, first.failed) == (2, 1, 1)
    assert first.max_seconds == pytest.approx(2.0, rel=1e-3)
    assert (second.at_seconds, second.sent, second.p99_seconds) == (1.0, 0, None)
    assert (third.sent, third.failed) == (1, 1)
    assert third.p50_seconds == pytest.approx(0.004, rel=1e-3)


@pytest.mark.parametrize(("behind", "reason"), [(1, False), (2, True)])
def test_a_generator_that_falls_behind_makes_the_run_invalid(behind: int, reason: bool) -> None:  # noqa: FBT001
    ok = run_of([0.0] * (100 - behind), [0.01] * (100 - behind), [200] * (100 - behind))
    late = run_of([0.0] * behind, [0.5] * behind, [200] * behind, own_late=LATE_SECONDS * 10)
    found = merged([tally(ok, Judge((200,))), tally(late, Judge((200,)))])
    assert bool(found.invalid_because) is reason
    if found.invalid_because:
        assert "2.0% of the requests" in found.invalid_because
        assert "p99 50" in found.invalid_because


def test_waiting_for_a_free_connection_is_counted_apart() -> None:
    due = np.zeros(3)
    run = OpenLoopRun(due, due, np.array([0.0, 0.2, NAN]), np.array([0.1, 0.3, NAN]), np.array([200, 200, 0], np.int16))
    found = tally(run, Judge((200,)))
    assert (found.waited, found.behind, found.invalid_because) == (2, 0, None)


def test_nothing_cannot_be_merged() -> None:
    with pytest.raises(ValueError, match="no process"):
        merged([])
