"""What happened when: the run's seconds as lines, several of them taken together where a run is long. Pure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from loadtests.report.chart import Chart, Line, values_of
from loadtests.report.panels import Figures
from loadtests.report.scales import Scale, linear_scale, time_scale, value_scale
from loadtests.report.words import NOTHING, digits, duration, of_time
from loadtests.run_result import Interval, RunResult

MOST_DRAWN, MOST_LISTED = 600, 60
"""Stretches of a picture, more of which would be finer than its pixels, and of the table below it."""
SHORT_PART = 0.5
"""Of the usual length: a last interval below this has too few requests for a rate, and is not drawn."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One or more intervals: counts are sums, latencies (seconds) the worst of them."""

    start_seconds: float
    end_seconds: float
    sent: int
    good: int
    failed: int
    p50_seconds: float | None
    p90_seconds: float | None
    p99_seconds: float | None
    max_seconds: float | None

    @property
    def middle_seconds(self) -> float:
        return (self.start_seconds + self.end_seconds) / 2

    @property
    def length_seconds(self) -> float:
        return self.end_seconds - self.start_seconds

    def rate(self, count: int) -> float | None:
        return count / self.length_seconds if self.length_seconds > 0 else None


def stretches(result: RunResult, most: int) -> tuple[Stretch, ...]:
    """The run's intervals, as few together as make at most `most`."""
    if not result.intervals:
        return ()
    together = math.ceil(len(result.intervals) / most)
    first = result.intervals[0].at_seconds
    second = result.intervals[1].at_seconds if len(result.intervals) > 1 else max(result.seconds, first)
    last = result.intervals[-1].at_seconds
    end = result.seconds if last < result.seconds < last + (second - first) else last + (second - first)
    starts = [interval.at_seconds for interval in result.intervals[::together]]
    groups = [result.intervals[place : place + together] for place in range(0, len(result.intervals), together)]
    return tuple(_together(group, *span) for group, span in zip(groups, pairwise([*starts, end]), strict=True))


def _together(group: Sequence[Interval], start: float, end: float) -> Stretch:
    return Stretch(
        start,
        end,
        sum(interval.sent for interval in group),
        sum(interval.good for interval in group),
        sum(interval.failed for interval in group),
        *(
            max((value for interval in group if (value := getattr(interval, name)) is not None), default=None)
            for name in ("p50_seconds", "p90_seconds", "p99_seconds", "max_seconds")
        ),
    )


def drawable(result: RunResult) -> tuple[Stretch, ...]:
    """For a picture: without a last part that is too short to tell a rate."""
    found = stretches(result, MOST_DRAWN)
    is_stub = len(found) > 1 and found[-1].length_seconds < SHORT_PART * found[0].length_seconds
    return found[:-1] if is_stub else found


def stretch_line(name: str, look: str, found: Sequence[Stretch], value: Callable[[Stretch], float | None]) -> Line:
    return Line(name, look, tuple((stretch.middle_seconds, value(stretch)) for stretch in found))


def time_axis(seconds: float) -> tuple[Scale, str]:
    """The axis of a run that took `seconds`, and what is written under it."""
    unit_seconds, unit = of_time(seconds)
    return time_scale(seconds, unit_seconds, digits), f"{unit} since the start"


def rate_chart(result: RunResult) -> Chart:
    """Requests a second: sent, answered well, and failed."""
    found = drawable(result)
    lines = (
        stretch_line("sent", "sent", found, lambda stretch: stretch.rate(stretch.sent)),
        stretch_line("good", "good", found, lambda stretch: stretch.rate(stretch.good)),
        stretch_line("failed", "bad", found, lambda stretch: stretch.rate(stretch.failed)),
    )
    x, x_title = time_axis(result.seconds)
    y = linear_scale(max(values_of(lines), default=0.0), digits)
    told = "By the moment they were due: a failure stands where its request belonged."
    if result.generator == "locust":
        told = "By the moment they were sent."
    return Chart("rate", "Requests a second", told, x, x_title, y, lines, tuple(map(_hint, found)))


def latency_chart(result: RunResult) -> Chart:
    """Percentiles of each second."""
    found = drawable(result)
    lines = (
        stretch_line("half within", "p50", found, lambda stretch: stretch.p50_seconds),
        stretch_line("90 % within", "p90", found, lambda stretch: stretch.p90_seconds),
        stretch_line("99 % within", "p99", found, lambda stretch: stretch.p99_seconds),
        stretch_line("slowest", "slowest", found, lambda stretch: stretch.max_seconds),
    )
    x, x_title = time_axis(result.seconds)
    y = value_scale(values_of(lines), duration)
    told = _latency_told(result, found, y)
    return Chart("latency", "Latency over time", told, x, x_title, y, lines, tuple(map(_hint, found)))


def _latency_told(result: RunResult, found: Sequence[Stretch], y: Scale) -> str:
    each = f"each {digits(found[0].length_seconds)} s" if found else "each second"
    told = f"Of the requests of {each}; a logarithmic axis." if y.is_logarithmic else f"Of the requests of {each}."
    if len(result.intervals) > MOST_DRAWN:
        told += " Several seconds are drawn as one point: the worst of them."
    return told


def _hint(stretch: Stretch) -> tuple[float, float, str]:
    counts = f"sent {stretch.sent:,}, good {stretch.good:,}, failed {stretch.failed:,}"
    latencies = f"p50 {duration(stretch.p50_seconds)}, p99 {duration(stretch.p99_seconds)}"
    span = f"{digits(stretch.start_seconds)} to {digits(stretch.end_seconds)} s"
    return stretch.start_seconds, stretch.end_seconds, f"{span}: {counts}; {latencies}"


def interval_figures(result: RunResult) -> Figures:
    """The table below both pictures."""
    found = stretches(result, MOST_LISTED)
    rows = tuple(
        (
            f"{digits(stretch.start_seconds)} s",
            f"{stretch.sent:,}",
            f"{stretch.good:,}",
            f"{stretch.failed:,}",
            *map(duration, (stretch.p50_seconds, stretch.p90_seconds, stretch.p99_seconds, stretch.max_seconds)),
        )
        for stretch in found
    )
    several = f"of {digits(found[0].length_seconds)} s, the worst: " if len(found) < len(result.intervals) else ""
    return Figures(("from", "sent", "good", "failed", f"{several}p50", "p90", "p99", "slowest"), rows)


def span_told(result: RunResult) -> str:
    """`60 s`, or `2.5 hours`."""
    unit_seconds, unit = of_time(result.seconds)
    if unit == "seconds":
        return f"{digits(result.seconds)} s"
    return f"{digits(result.seconds / unit_seconds)} {unit}" if result.seconds else NOTHING
