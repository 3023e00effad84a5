"""A backend that does not answer is left alone, then asked once."""

from math import inf

import pytest

from serving.batching.breaker import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, Breaker, BreakerState


def test_a_failure_pauses_and_a_probe_that_is_answered_ends_it() -> None:
    breaker = Breaker()
    assert breaker.ready_seconds == -inf
    breaker.unavailable(10.0)
    assert breaker.ready_seconds == 10.0 + FIRST_PAUSE_SECONDS
    assert not breaker.shut, "requests wait through the first pause"
    breaker.sent()
    assert breaker.ready_seconds == inf, "one probe at a time"
    breaker.answered()
    assert breaker.closed


def test_each_failed_probe_doubles_the_pause_up_to_the_longest() -> None:
    breaker, now, pauses = Breaker(), 0.0, []
    for _ in range(12):
        breaker.unavailable(now)
        pauses.append(breaker.probe_seconds - now)
        now = breaker.probe_seconds
        breaker.sent()
    assert pauses[:3] == pytest.approx([FIRST_PAUSE_SECONDS * 2**n for n in range(3)])
    assert pauses[-1] == LONGEST_PAUSE_SECONDS


def test_from_the_second_failure_in_a_row_on_the_door_is_shut() -> None:
    breaker = Breaker()
    breaker.unavailable(0.0)
    breaker.sent()
    breaker.unavailable(1.0)
    assert breaker.shut


def test_calls_that_were_under_way_when_it_opened_say_nothing_new() -> None:
    breaker = Breaker()
    for _ in range(5):
        breaker.unavailable(0.0)
    assert breaker.probe_seconds == FIRST_PAUSE_SECONDS
    assert not breaker.shut


def test_a_probe_that_says_nothing_is_repeated_at_once() -> None:
    breaker = Breaker()
    breaker.unavailable(0.0)
    breaker.sent()
    breaker.undecided()
    assert breaker.state is BreakerState.OPEN
    assert breaker.ready_seconds == FIRST_PAUSE_SECONDS


def test_an_answer_forgets_old_failures() -> None:
    breaker = Breaker()
    for _ in range(2):
        breaker.unavailable(0.0)
        breaker.sent()
    breaker.answered()
    breaker.unavailable(9.0)
    assert breaker.probe_seconds == 9.0 + FIRST_PAUSE_SECONDS
