"""The picture of servers at the same rates: the median latency of each, and its 99th percentile, against the rate."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from loadtests.bench.chart import INK, OURS, bare_frame

COLOURS = ("#d55e00", "#8c6bb1", "#999999", "#009e73", "#e69f00", "#cc79a7", "#56b4e9")
"""After Okabe and Ito, so that people who see few colours tell them apart; ours is not among them."""
MARKS = ("s", "^", "D", "v", "P", "X", "*")


def draw_latencies(lines: Mapping[str, Sequence[tuple[float, float, float]]], path: Path) -> None:
    """By title, (rate, p50 ms, p99 ms) of each rate that was held; a line ends where its server could no more."""
    figure = Figure(figsize=(11, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    asked = sorted({rate for points in lines.values() for rate, _, _ in points})
    styles = iter(zip(COLOURS, MARKS, strict=True))
    for title, points in lines.items():
        colour, mark = (OURS, "o") if title.startswith("gateway") else next(styles, ("#30383d", "."))
        rates = [rate for rate, _, _ in points]
        for place, axis in enumerate(axes, 1):
            axis.plot(rates, [point[place] for point in points], marker=mark, color=colour, label=title)
    for axis, name in zip(axes, ("half within", "99 % within"), strict=True):
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_title(name, loc="left", fontsize=10, color=INK)
        axis.set_xlabel("requests a second", color=INK)
        axis.set_xticks(asked, [f"{rate:,.0f}" for rate in asked])
        axis.xaxis.set_minor_locator(NullLocator())
        axis.yaxis.set_major_formatter("{x:g}")
        bare_frame(axis, grid="y")
    axes[0].set_ylabel("ms from when a request was due", color=INK)
    axes[0].legend(frameon=False, labelcolor=INK, fontsize=8)
    figure.suptitle("The same rates for all, each server on one core", color=INK, x=0.01, ha="left", fontsize=13)
    figure.savefig(path, dpi=120)
