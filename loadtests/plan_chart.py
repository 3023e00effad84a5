"""Latency against rate, predicted and measured, as a picture."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from loadtests.capacity import Objective, Predicted
from loadtests.measurement import CurvePoint

INCHES, DOTS_PER_INCH = (11.0, 4.6), 110
COLOURS = {"p50": "tab:blue", "p99": "tab:red"}


def draw_plan(
    one: Sequence[Predicted], measured: Sequence[CurvePoint], chosen: Sequence[Predicted], asked: Objective, path: Path
) -> None:
    """To the left the one gateway that was measured, beside what was measured of it; to the right what is recommended,
    with the objective. Writes a PNG.
    """
    figure = Figure(figsize=INCHES, layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_curve(left, one)
    _draw_measured(left, measured)
    left.set_title("one gateway, as measured")
    _draw_curve(right, chosen)
    right.axhline(asked.p99_seconds * 1e3, color="grey", linestyle="--", label="p99 asked for")
    right.axvline(asked.rate_per_second, color="grey", linestyle=":", label="rate asked for")
    right.set_title("as recommended")
    for axes in (left, right):
        axes.set_xlabel("requests a second")
        axes.set_ylabel("latency, ms")
        axes.set_yscale("log")
        for ticks in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
            ticks(FuncFormatter(lambda milliseconds, _: f"{milliseconds:g}"))
        axes.set_xlim(left=0)
        axes.grid(visible=True, which="both", alpha=0.25)
        axes.legend()
    figure.savefig(path, format="png", dpi=DOTS_PER_INCH)


def _draw_curve(axes: Axes, curve: Sequence[Predicted]) -> None:
    rates = [point.rate_per_second for point in curve]
    axes.plot(rates, [1e3 * point.p50_seconds for point in curve], color=COLOURS["p50"], label="p50 predicted")
    axes.plot(rates, [1e3 * point.p99_seconds for point in curve], color=COLOURS["p99"], label="p99 predicted")


def _draw_measured(axes: Axes, measured: Sequence[CurvePoint]) -> None:
    if not measured:
        return
    rates = [point.rate_per_second for point in measured]
    axes.plot(rates, [1e3 * point.p50_seconds for point in measured], "o", color=COLOURS["p50"], label="p50 measured")
    axes.plot(rates, [1e3 * point.p99_seconds for point in measured], "s", color=COLOURS["p99"], label="p99 measured")
