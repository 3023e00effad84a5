"""All latencies of a run at once: HdrHistogram's plot of latency against percentile, and the table of it. Pure."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from loadtests.latencies import Latencies
from loadtests.report.chart import Chart, Line, values_of
from loadtests.report.panels import Figures
from loadtests.report.scales import PERCENTS, percentile_scale, tail_of, value_scale
from loadtests.report.words import NOTHING, duration
from loadtests.run_result import RunResult

POINTS_A_DECADE = 40
"""Of the plot's line for each further nine."""
LISTED = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99, 99.999)
FEW = 10
"""Requests above a percentile, below which it rests on chance."""
LOOKS = ("p50", "p99")


def percentile_line(name: str, look: str, latencies: Latencies) -> Line:
    """Latency in seconds against 1/(1-p), to where one request is above; the slowest is its last point."""
    count = latencies.count
    if not count:
        return Line(name, look, ())
    steps = max(2, math.ceil(math.log10(count) * POINTS_A_DECADE)) if count > 1 else 1
    tails = np.unique([*np.logspace(0, math.log10(count), steps), *(tail_of(percent) for percent in PERCENTS)])
    tails = tails[tails <= count]
    values, counts = latencies.recorded()
    ranks = np.maximum(1, ((1 - 1 / tails) * count + 0.5).astype(np.int64))  # as HdrHistogram counts them
    reached = values[np.searchsorted(np.cumsum(counts), ranks)]
    points = [*zip(tails.tolist(), reached.tolist(), strict=True), (float(count), latencies.max_seconds)]
    return Line(name, look, tuple(points))


def named_latencies(result: RunResult) -> list[tuple[str, Latencies]]:
    """What the run has: from when requests were due, and from when they were sent."""
    if result.generator == "locust":
        return [("from when it was sent", result.latencies)]
    found = [("from when it was due", result.latencies)]
    if result.latency_from_sent:
        found.append(("from when it was sent", Latencies.decoded(result.latency_from_sent)))
    return found


def percentile_chart(named: Sequence[tuple[str, Latencies]], told: str) -> Chart:
    lines = tuple(percentile_line(name, look, latencies) for (name, latencies), look in zip(named, LOOKS, strict=False))
    most = max((latencies.count for _, latencies in named), default=0)
    y = value_scale(values_of(lines), duration)
    if y.is_logarithmic:
        told += " The upright axis is logarithmic."
    x = percentile_scale(most)
    return Chart("percentiles", "Latency by percentile", told, x, "percentile", y, lines, _hints(lines))


def _hints(lines: Sequence[Line]) -> tuple[tuple[float, float, str], ...]:
    """Between each two marks of the axis, what lies at the first."""
    if not lines or not lines[0].points:
        return ()
    end = max(line.points[-1][0] for line in lines if line.points)
    marks = [percent for percent in PERCENTS if tail_of(percent) <= end]
    found = []
    for percent, (start, stop) in zip(marks, pairwise([*map(tail_of, marks), end]), strict=True):
        at = [(line.name, [y for x, y in line.points if x <= start * (1 + 1e-9)]) for line in lines]
        told = ", ".join(f"{name} {duration(ys[-1])}" for name, ys in at if ys)
        found.append((start, stop, f"{percent:g} %: {told}"))
    return tuple(found)


def percentile_figures(named: Sequence[tuple[str, Latencies]]) -> Figures:
    """Percentiles that at least one request is above, the slowest and the mean; how many requests each rests on."""
    most = max((latencies.count for _, latencies in named), default=0)
    rows = [
        (f"{percent:g} %", *(_told(latencies, percent) for _, latencies in named), _above(most, percent))
        for percent in LISTED
        if tail_of(percent) <= most
    ]
    rows.append(("slowest", *(duration(latencies.max_seconds) for _, latencies in named), ""))
    rows.append(("mean", *(duration(latencies.mean_seconds) for _, latencies in named), ""))
    return Figures(("within", *(name for name, _ in named), "requests above"), tuple(rows))


def _told(latencies: Latencies, percent: float) -> str:
    return duration(latencies.percentile_seconds(percent)) if tail_of(percent) <= latencies.count else NOTHING


def _above(count: int, percent: float) -> str:
    above = round(count / tail_of(percent))
    return f"{above:,}: so few are chance" if above < FEW else f"{above:,}"
