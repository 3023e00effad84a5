"""The grid as a picture: goodput, mean and 99th percentile of latency against load, one column per device."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from loadtests.simulation.acceptance import Kind
from loadtests.simulation.device import CASES, Case
from loadtests.simulation.grid import LOADS, ORACLE, OURS, POLICIES, Figures
from training.report.drawing import BLUE, GREEN, GREY, ORANGE, RED, drawing, picture

PURPLE, BROWN = "#7c3aed", "#92400e"
COLOURS = dict(zip([*POLICIES, ORACLE], [BLUE, ORANGE, BROWN, PURPLE, RED, GREY, GREEN], strict=True))
STROKES = dict(zip(COLOURS, ["-", "-", "-", (0, (4, 3)), "-", "-", "--"], strict=True))
"""Dashes where lines lie on each other."""
MEASURES = {
    "goodput": "answered in time, of those that came",
    "mean_seconds": "mean latency, ms",
    "p99_seconds": "99th percentile of latency, ms",
}
MOST_PATIENCES = 4.0
"""Where the axes of latency end, in deadlines: past it the lines of those that answer late only go up."""


def plot(rows: Sequence[Figures], kind: Kind) -> bytes:
    """PNG."""
    with drawing():
        figure = Figure(figsize=(12.6, 10.0))
        grid = figure.subplots(len(MEASURES), len(CASES), sharex=True)
        for column, case in enumerate(CASES):
            for axes, measure in zip(grid[:, column], MEASURES, strict=True):
                _panel(axes, [row for row in rows if (row.case, row.kind) == (case.name, kind)], measure, case)
            grid[0, column].set_title(case.name)
            grid[-1, column].set_xlabel("load, of what full batches carry")
        for axes, label in zip(grid[:, 0], MEASURES.values(), strict=True):
            axes.set_ylabel(label)
        figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
        return picture("batching", f"batching under {kind} arrivals", figure).png


def _panel(axes: Axes, rows: Sequence[Figures], measure: str, case: Case) -> None:
    for policy, colour in COLOURS.items():
        points = [(row.load, getattr(row, measure)) for row in rows if row.policy == policy]
        known = [(load, value if measure == "goodput" else 1e3 * value) for load, value in points if value is not None]
        ours = policy == OURS
        axes.plot(
            *zip(*known, strict=True) if known else ([], []),
            color=colour,
            label=policy,
            linestyle=STROKES[policy],
            linewidth=2.6 if ours else 1.4,
            marker="o" if ours else None,
            markersize=4,
            zorder=3 if ours else 2,
        )
    axes.set_xlim(0.0, max(LOADS))
    if measure == "goodput":
        axes.set_ylim(0.0, 1.03)
        return
    axes.set_yscale("log")
    axes.set_ylim(top=1e3 * MOST_PATIENCES * case.patience_seconds, bottom=1e3 * case.device.seconds(1) * 0.8)
    axes.axhline(1e3 * case.patience_seconds, color=GREY, linewidth=0.8, linestyle=":")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
