"""What a run past the server's capacity says: goodput, how quickly the rest is refused, when it is over. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loadtests.open_loop import OpenLoopRun
from loadtests.wire import NO_ANSWER

OK = 200
REFUSALS = (429, 503)
"""Refused at the door. A 504 was let in and came too late: that is no refusal, and no good answer either."""
NORMAL_TIMES = 2.0
"""A window is normal when its median latency is at most this many times that of the calm before."""
CALM_WINDOWS = 5
"""Windows in a row that must be normal before the overload is said to be over."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a run, in seconds from its start; the end does not belong to it."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


def within(run: OpenLoopRun, span: Span) -> NDArray[np.bool_]:
    """The requests that were due in the span."""
    chosen: NDArray[np.bool_] = (run.due >= span.start) & (run.due < span.end)
    return chosen


def good(run: OpenLoopRun, deadline_seconds: float) -> NDArray[np.bool_]:
    """Answered rightly within the deadline, counted from when they were due."""
    chosen: NDArray[np.bool_] = (run.status == OK) & (run.latency_seconds <= deadline_seconds)
    return chosen


def goodput_per_second(run: OpenLoopRun, span: Span, deadline_seconds: float) -> float:
    return float(np.sum(within(run, span) & good(run, deadline_seconds)) / span.seconds)


def median_rejection_seconds(run: OpenLoopRun, span: Span) -> float:
    """NaN when nothing was refused."""
    refused = within(run, span) & np.isin(run.status, REFUSALS)
    return float(np.median(run.latency_seconds[refused])) if refused.any() else float("nan")


def status_counts(run: OpenLoopRun, span: Span) -> dict[int, int]:
    """Requests by status, 0 standing for no answer."""
    statuses, counts = np.unique(run.status[within(run, span)], return_counts=True)
    return {int(status): int(count) for status, count in zip(statuses, counts, strict=True)}


def median_latency_seconds(run: OpenLoopRun, span: Span) -> float:
    """Of every request due in the span, whatever its answer; infinite where most had none, NaN for no requests."""
    chosen = within(run, span)
    if not chosen.any():
        return float("nan")
    latency = np.where(run.status == NO_ANSWER, np.inf, run.latency_seconds)
    return float(np.median(latency[chosen]))


def recovery_seconds(run: OpenLoopRun, calm: Span, after: Span, window_seconds: float = 0.1) -> float:
    """From the start of `after` to the first of CALM_WINDOWS windows that are normal; infinite when there are none.

    Normal: every request is answered with 200, and the median latency is at most NORMAL_TIMES that of `calm`.
    """
    usual = median_latency_seconds(run, calm)
    normal = [_is_normal(run, window, usual) for window in windows(after, window_seconds)]
    for place in range(len(normal) - CALM_WINDOWS + 1):
        if all(normal[place : place + CALM_WINDOWS]):
            return place * window_seconds
    return float("inf")


def windows(span: Span, window_seconds: float) -> Sequence[Span]:
    """Whole windows of the span, in order; what is left over at its end is dropped."""
    count = int(span.seconds / window_seconds + 1e-9)
    starts = [span.start + place * window_seconds for place in range(count)]
    return [Span(start, start + window_seconds) for start in starts]


def _is_normal(run: OpenLoopRun, window: Span, usual_seconds: float) -> bool:
    all_right = set(status_counts(run, window)) <= {OK}
    return all_right and not median_latency_seconds(run, window) > NORMAL_TIMES * usual_seconds
