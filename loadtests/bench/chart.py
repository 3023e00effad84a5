"""The bar chart of a run: requests a second of each row, and rows a second where requests had many."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from loadtests.bench.samples import spread
from loadtests.bench.targets import Measured

OURS, OTHERS, INK = "#1f6f8b", "#b9c2c9", "#30383d"
BAR_INCHES, FRAME_INCHES, WIDTH_INCHES = 0.42, 1.2, 10.0


def draw_rates(rows: Mapping[str, Measured], titles: Mapping[str, str], heading: str, path: Path) -> None:
    """Bars are medians, their thin lines the least and the most of the turns; ours are dark."""
    single = {name: row for name, row in rows.items() if row.rows == 1}
    many = {name: row for name, row in rows.items() if row.rows > 1}
    panels = [(panel, unit) for panel, unit in ((single, "requests a second"), (many, "rows a second")) if panel]
    heights = [len(panel) * BAR_INCHES + FRAME_INCHES for panel, _ in panels]
    figure = Figure(figsize=(WIDTH_INCHES, sum(heights)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, (panel, unit) in zip(axes, panels, strict=True):
        _draw(axis, panel, titles, unit)
    figure.suptitle(f"{heading}, each on one core", color=INK, x=0.01, ha="left", fontsize=13)
    figure.savefig(path, dpi=120)


def _draw(axis: Axes, rows: Mapping[str, Measured], titles: Mapping[str, str], unit: str) -> None:
    spreads = {name: spread([rate * row.rows for rate in row.rates]) for name, row in rows.items()}
    ordered = sorted(spreads, key=lambda name: spreads[name].median)
    medians = [spreads[name].median for name in ordered]
    reach = [
        [spreads[name].median - spreads[name].least for name in ordered],
        [spreads[name].most - spreads[name].median for name in ordered],
    ]
    colours = [OURS if titles[name].startswith("gateway") else OTHERS for name in ordered]
    labels = [titles[name] + (" *" if rows[name].clock == "processor" else "") for name in ordered]
    bars = axis.barh(labels, medians, xerr=reach, color=colours, ecolor=INK, error_kw={"elinewidth": 1, "capsize": 3})
    widest = max(spreads[name].most for name in ordered)
    for bar, name in zip(bars, ordered, strict=True):
        place = (spreads[name].most + widest * 0.012, bar.get_y() + bar.get_height() / 2)
        axis.text(*place, f"{spreads[name].median:,.0f}", va="center", color=INK, fontsize=9)
    axis.set_xlim(0, widest * 1.12)
    starred = any(row.clock == "processor" for row in rows.values())
    axis.set_xlabel(unit + ("   (* of the server's processor time)" if starred else ""), color=INK)
    axis.xaxis.set_major_formatter("{x:,.0f}")
    bare_frame(axis, grid="x")


def bare_frame(axis: Axes, grid: Literal["x", "y"]) -> None:
    """Only the base line, and faint lines to read values by."""
    axis.tick_params(colors=INK, length=0)
    axis.grid(axis=grid, alpha=0.25)
    axis.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
