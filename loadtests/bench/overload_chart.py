"""The picture of an overload: what was asked, answered in time and refused, and the latency, over the run."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from loadtests.bench.chart import INK, OTHERS, OURS, bare_frame
from loadtests.bench.overload_course import Course
from loadtests.bench.overload_figures import REFUSALS, good
from loadtests.open_loop import OpenLoopRun

REFUSED, LATE = "#c8553d", "#d9a441"
LEAST_WINDOW_SECONDS, WINDOWS = 0.25, 80
"""Rates are of so long, or of an eightieth of a longer run: answers come a batch at a time."""
ABOVE: Mapping[str, Any] = MappingProxyType(
    {
        "frameon": False,
        "loc": "lower right",
        "bbox_to_anchor": (1, 1),
        "ncols": 5,
        "borderaxespad": 0,
        "labelcolor": INK,
    }
)
"""A legend above its plot, where it hides nothing."""


def draw_overload(run: OpenLoopRun, course: Course, peak: float, deadline_seconds: float, path: Path) -> None:
    """`peak` is the best goodput of the sweep, in requests a second, drawn as a line."""
    figure = Figure(figsize=(10, 6.5), layout="constrained")
    FigureCanvasAgg(figure)
    rates, latencies = figure.subplots(2, 1, sharex=True)
    _draw_rates(rates, run, peak, deadline_seconds)
    _draw_latency(latencies, run, deadline_seconds)
    for axis in (rates, latencies):
        axis.axvspan(course.overload.start, course.overload.end, color=OTHERS, alpha=0.25, linewidth=0)
        bare_frame(axis, grid="y")
    latencies.set_xlabel("seconds; the grey stretch is the overload", color=INK)
    figure.suptitle(
        f"{course.times:g} times the peak load, and the time after it", color=INK, x=0.01, ha="left", fontsize=13
    )
    figure.savefig(path, dpi=120)


def _draw_rates(axis: Axes, run: OpenLoopRun, peak: float, deadline_seconds: float) -> None:
    window = max(LEAST_WINDOW_SECONDS, run.due[-1] / WINDOWS)
    edges = np.arange(0, run.due[-1] + window, window)
    in_time, refused = good(run, deadline_seconds), np.isin(run.status, REFUSALS)
    series = (
        ("asked", np.full(len(run.due), fill_value=True), INK),
        ("answered in time", in_time, OURS),
        ("refused at the door", refused, REFUSED),
        ("too late, or never", ~in_time & ~refused, LATE),
    )
    for label, chosen, colour in series:
        counts, _ = np.histogram(run.due[chosen], edges)
        axis.plot(edges[:-1] + window / 2, counts / window, color=colour, label=label)
    axis.axhline(peak, color=OURS, linestyle=":", linewidth=1, label="peak goodput")
    axis.set_ylabel("requests a second", color=INK)
    axis.set_ylim(0)
    axis.yaxis.set_major_formatter("{x:,.0f}")
    axis.legend(**ABOVE)


def _draw_latency(axis: Axes, run: OpenLoopRun, deadline_seconds: float) -> None:
    answered, refused = run.status == 200, np.isin(run.status, REFUSALS)
    for label, chosen, colour in (("answered", answered, OURS), ("refused", refused, REFUSED)):
        axis.plot(run.due[chosen], run.latency_seconds[chosen] * 1e3, ".", markersize=2, color=colour, label=label)
    axis.axhline(deadline_seconds * 1e3, color=INK, linestyle=":", linewidth=1, label="deadline")
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter("{x:g}")
    axis.set_ylabel("latency, ms", color=INK)
    axis.legend(**ABOVE, markerscale=4)
