"""The picture of a capacity search: latency against rate, the bound, the knee and the figure."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from loadtests.bench.chart import INK, OTHERS, OURS, bare_frame
from loadtests.capacity_search import CapacityResult, Trial

MISSED = "#b5483a"
SERIES = (("p50_seconds", "p50", 0.35), ("p90_seconds", "p90", 0.6), ("p99_seconds", "p99", 1.0))
WIDEST = 2.5
"""Rates beyond this many times the figure are left out: they only say that a queue grows without end."""
ROOM = 3.0
"""What is left free above and below the curves, as a factor: for the legend and the words at the lines."""


def draw_capacity(result: CapacityResult, path: Path) -> None:
    """Filled points held, hollow ones did not. Raises OSError."""
    figure = Figure(figsize=(10, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    shown = _shown(result)
    for name, label, weight in SERIES:
        _draw_series(axis, shown, name, label, weight)
    axis.axhline(result.bound_seconds * 1e3, color=INK, linestyle=":", linewidth=1)
    axis.annotate(
        f"bound of p99, {result.bound_seconds * 1e3:g} ms", (0.005, result.bound_seconds * 1e3),
        xycoords=("axes fraction", "data"), xytext=(0, 4), textcoords="offset points", color=INK, fontsize=9,
    )  # fmt: skip
    _mark(axis, result.per_second, "held", OURS)
    if result.knee_per_second != result.per_second:
        _mark(axis, result.knee_per_second, "knee", OTHERS)
    axis.set_yscale("log")
    lowest, highest = axis.get_ylim()
    axis.set_ylim(lowest / ROOM, highest * ROOM)
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.set_xlim(0)
    axis.set_xlabel("requests a second, Poisson; hollow points did not hold", color=INK)
    axis.set_ylabel("latency from the due moment, ms", color=INK)
    axis.legend(frameon=False, loc="upper left", labelcolor=INK)
    bare_frame(axis, grid="y")
    figure.suptitle(_title(result), color=INK, x=0.01, ha="left", fontsize=13)
    figure.savefig(path, dpi=120)


def _shown(result: CapacityResult) -> list[Trial]:
    ordered = sorted(result.trials, key=lambda trial: trial.rate_per_second)
    if result.per_second is None:
        return ordered
    return [trial for trial in ordered if trial.rate_per_second <= WIDEST * result.per_second]


def _draw_series(axis: Axes, trials: list[Trial], name: str, label: str, weight: float) -> None:
    known = [(trial, value) for trial in trials if (value := getattr(trial, name)) is not None]
    rates, milliseconds = [trial.rate_per_second for trial, _ in known], [value * 1e3 for _, value in known]
    axis.plot(rates, milliseconds, color=OURS, alpha=weight, linewidth=1.5, label=label)
    for trial, value in known:
        inside, edge = (OURS, OURS) if trial.is_held else ("white", MISSED)
        axis.plot(trial.rate_per_second, value * 1e3, "o", markersize=5, color=edge, markerfacecolor=inside)


def _mark(axis: Axes, rate: float | None, label: str, colour: str) -> None:
    if rate is None:
        return
    axis.axvline(rate, color=colour, linewidth=1)
    axis.annotate(
        f"{label}: {rate:,.0f}/s", (rate, 0.02), xycoords=("data", "axes fraction"), xytext=(-4, 0),
        textcoords="offset points", ha="right", rotation=90, color=INK, fontsize=9,
    )  # fmt: skip


def _title(result: CapacityResult) -> str:
    bound = f"p99 under {result.bound_seconds * 1e3:g} ms"
    found = "no rate held" if result.per_second is None else f"{result.per_second:,.0f} requests a second with"
    return f"{result.model} over {result.protocol}: {found} {bound}"
