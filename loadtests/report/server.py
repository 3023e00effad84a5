"""How the server was meanwhile: its processor time, memory, queue and batches, as far as it told. Pure."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from loadtests.report.chart import Chart, Line, values_of
from loadtests.report.over_time import MOST_LISTED, time_axis
from loadtests.report.panels import Figures
from loadtests.report.scales import Told, linear_scale
from loadtests.report.words import NOTHING, digits, size
from loadtests.run_result import RunResult, ServerSample

MEBIBYTE = 1 << 20
Points = tuple[tuple[float, float | None], ...]


@dataclass(frozen=True, slots=True)
class Gauge:
    """One thing that is watched: where it is read from, and how its values are told."""

    name: str
    title: str
    points: Callable[[RunResult], Points]
    told: Told
    why_missing: str


def cores_in_use(result: RunResult) -> Points:
    """Processor seconds a second, between each two samples that tell their processor time; at their middle."""
    known = [sample for sample in result.server if sample.cpu_seconds is not None]
    return tuple(
        ((before.at_seconds + after.at_seconds) / 2, _growth(before, after))
        for before, after in pairwise(known)
        if after.at_seconds > before.at_seconds
    )


def _growth(before: ServerSample, after: ServerSample) -> float | None:
    grown = (after.cpu_seconds or 0.0) - (before.cpu_seconds or 0.0)
    return grown / (after.at_seconds - before.at_seconds) if grown >= 0 else None  # less: it was started anew


def _sampled(value: Callable[[ServerSample], float | None]) -> Callable[[RunResult], Points]:
    return lambda result: tuple((sample.at_seconds, value(sample)) for sample in result.server)


def _mebibytes(sample: ServerSample) -> float | None:
    return None if sample.resident_bytes is None else sample.resident_bytes / MEBIBYTE


NO_PROCESS = "The server's process was not watched: it is on another machine, or its id was not known."
NO_METRICS = "The gateway's metrics were not read while it ran."
GAUGES = (
    Gauge("queue", "Rows waiting", _sampled(lambda sample: sample.queue_rows), digits, NO_METRICS),
    Gauge("batch", "Rows in a batch, mean", _sampled(lambda sample: sample.mean_batch_rows), digits, NO_METRICS),
    Gauge("cpu", "Cores the server used", cores_in_use, digits, NO_PROCESS),
    Gauge("memory", "The server's memory", _sampled(_mebibytes), lambda value: size(value * MEBIBYTE), NO_PROCESS),
    Gauge("threads", "Threads", _sampled(lambda sample: sample.threads), digits, NO_PROCESS),
    Gauge("files", "Open files", _sampled(lambda sample: sample.open_files), digits, NO_PROCESS),
)


def is_known(gauge: Gauge, result: RunResult) -> bool:
    return any(value is not None for _, value in gauge.points(result))


def gauge_chart(gauge: Gauge, result: RunResult) -> Chart:
    """The axis begins at 0, so that a small change does not look like a large one."""
    points = gauge.points(result)
    line = Line(gauge.title, "p50", points)
    x, x_title = time_axis(max([result.seconds, *(at for at, _ in points)]))
    y = linear_scale(max(values_of([line]), default=0.0), gauge.told)
    return Chart(gauge.name, gauge.title, _summary(gauge, points), x, x_title, y, (line,), _hints(gauge, points))


def _summary(gauge: Gauge, points: Points) -> str:
    values = [value for _, value in points if value is not None]
    if min(values) == max(values):
        return f"{gauge.told(values[0])} throughout."
    first, most, last = gauge.told(values[0]), gauge.told(max(values)), gauge.told(values[-1])
    return f"{first} at first, {most} at most, {last} at the end."


def _hints(gauge: Gauge, points: Points) -> tuple[tuple[float, float, str], ...]:
    return tuple(
        (start, end, f"{digits(start)} s: {NOTHING if value is None else gauge.told(value)}")
        for (start, value), (end, _) in pairwise(points)
    )


def gauge_figures(gauge: Gauge, result: RunResult) -> Figures:
    """Its values, every few of them where there are many."""
    points = gauge.points(result)
    every = max(1, math.ceil(len(points) / MOST_LISTED))
    rows = tuple((f"{digits(at)} s", NOTHING if value is None else gauge.told(value)) for at, value in points[::every])
    return Figures(("at", gauge.title), rows)
