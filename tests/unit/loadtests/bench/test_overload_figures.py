import numpy as np
import pytest

from loadtests.bench.overload_figures import (
    Span,
    goodput_per_second,
    median_latency_seconds,
    median_rejection_seconds,
    recovery_seconds,
    status_counts,
    windows,
)
from loadtests.open_loop import OpenLoopRun
from loadtests.wire import NO_ANSWER

CALM, AFTER = Span(0.0, 1.0), Span(1.0, 3.0)


def made_run(*answers: tuple[float, int, float]) -> OpenLoopRun:
    """Of (due, status, latency in seconds)."""
    due, status, latency = (np.array(column, np.float64) for column in zip(*answers, strict=True))
    ended = np.where(status == NO_ANSWER, np.nan, due + latency)
    return OpenLoopRun(due, due, due, ended, status.astype(np.int16))


def stretch(span: Span, status: int, latency: float) -> list[tuple[float, int, float]]:
    """Twenty requests a second."""
    return [(float(due), status, latency) for due in np.arange(span.start + 0.01, span.end, 0.05)]


def test_goodput_counts_right_answers_within_the_deadline_that_were_due_in_the_span() -> None:
    run = made_run((0.5, 200, 0.1), (1.0, 200, 0.1), (1.5, 200, 0.3), (1.6, 503, 0.1), (1.7, 200, 0.2), (3.0, 200, 0.1))
    assert goodput_per_second(run, AFTER, deadline_seconds=0.2) == 1.0  # two in two seconds
    assert goodput_per_second(run, AFTER, deadline_seconds=0.4) == 1.5


def test_the_time_of_a_rejection_is_that_of_refusals_alone() -> None:
    run = made_run((1.0, 503, 0.001), (1.1, 429, 0.003), (1.2, 503, 0.002), (1.3, 504, 0.9), (1.4, 200, 0.5))
    assert median_rejection_seconds(run, AFTER) == pytest.approx(0.002)


def test_nothing_refused_has_no_time_of_a_rejection() -> None:
    assert np.isnan(median_rejection_seconds(made_run((1.0, 200, 0.1)), AFTER))


def test_statuses_are_counted_and_no_answer_is_one() -> None:
    run = made_run((1.0, 200, 0.1), (1.1, 503, 0.1), (1.2, 200, 0.1), (1.3, NO_ANSWER, 0.0), (9.0, 504, 0.1))
    assert status_counts(run, AFTER) == {NO_ANSWER: 1, 200: 2, 503: 1}


def test_no_answer_takes_for_ever() -> None:
    run = made_run((1.0, NO_ANSWER, 0.0), (1.1, NO_ANSWER, 0.0), (1.2, 200, 0.1))
    assert median_latency_seconds(run, AFTER) == float("inf")


def test_recovery_ends_with_the_first_of_the_normal_windows() -> None:
    run = made_run(
        *stretch(CALM, 200, 0.01),
        *stretch(Span(1.0, 1.3), 200, 0.2),
        *stretch(Span(1.3, 1.6), 503, 0.001),
        *stretch(Span(1.6, 3.0), 200, 0.015),
    )
    assert recovery_seconds(run, CALM, AFTER) == pytest.approx(0.6)


def test_a_short_calm_between_two_bad_stretches_is_no_recovery() -> None:
    run = made_run(
        *stretch(CALM, 200, 0.01),
        *stretch(Span(1.0, 1.4), 200, 0.01),
        *stretch(Span(1.4, 1.5), 503, 0.001),
        *stretch(Span(1.5, 3.0), 200, 0.01),
    )
    assert recovery_seconds(run, CALM, AFTER) == pytest.approx(0.5)


def test_latency_that_stays_high_never_recovers() -> None:
    run = made_run(*stretch(CALM, 200, 0.01), *stretch(AFTER, 200, 0.03))
    assert recovery_seconds(run, CALM, AFTER) == float("inf")


def test_what_was_never_disturbed_is_normal_at_once() -> None:
    assert recovery_seconds(made_run(*stretch(CALM, 200, 0.01), *stretch(AFTER, 200, 0.01)), CALM, AFTER) == 0.0


def test_windows_are_whole() -> None:
    assert [round(window.start, 6) for window in windows(Span(1.0, 1.35), 0.1)] == [1.0, 1.1, 1.2]
