"""Draws the dashboard with what a Prometheus has of the last minutes: a picture for the documents."""

import argparse
import json
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from k8s.components.monitoring.dashboard import COLUMNS, dashboard

VARIABLES = {"$job": "penstock", "$instance": ".*", "$model": ".*", "$__rate_interval": "30s"}
POINTS = 120
MOST, TIMES = 1000, ((0.001, "ms"), (1.0, "s"), (60.0, "min"), (3600.0, "h"), (86400.0, "d"))
"""Up to so many of a unit are written in it."""
COLUMN_INCHES, ROW_INCHES = 0.75, 0.32
GUTTER, TITLE = 0.9, 1.1
"""Of a panel's height: what lies under its axes, for the legend, and over them."""


@dataclass(frozen=True, slots=True)
class Line:
    """One series over time; `seconds` counts from the first moment drawn."""

    legend: str
    labels: Mapping[str, str]
    seconds: Sequence[float]
    values: Sequence[float]


Ask = Callable[[str], list[Any]]
"""From an expression to the series of Prometheus's `query_range`."""


def asking(url: str, minutes: float, end_seconds: float) -> Ask:
    start, step = end_seconds - 60 * minutes, 60 * minutes / POINTS

    def ask(expr: str) -> list[Any]:
        query = urllib.parse.urlencode({"query": expr, "start": start, "end": end_seconds, "step": step})
        with urllib.request.urlopen(f"{url}/api/v1/query_range?{query}") as answer:  # noqa: S310 - the user's own address
            found: list[Any] = json.loads(answer.read())["data"]["result"]
            return found

    return ask


def lines_of(target: Mapping[str, Any], ask: Ask, start_seconds: float) -> list[Line]:
    expr = target["expr"]
    for name, value in VARIABLES.items():
        expr = expr.replace(name, value)
    return [_line(target["legendFormat"], series, start_seconds) for series in ask(expr)]


def _line(legend: str, series: Mapping[str, Any], start_seconds: float) -> Line:
    labels = series["metric"]
    for name, value in labels.items():
        legend = legend.replace("{{" + name + "}}", value)
    moments, values = zip(*series["values"], strict=True)
    return Line(legend, labels, [moment - start_seconds for moment in moments], [float(value) for value in values])


def shown(value: float, unit: str) -> str:
    """A number as Grafana would write it, roughly."""
    if unit == "percentunit":
        return f"{value:.2%}"
    if unit == "s":
        seconds, name = next(each for each in TIMES if value < MOST * each[0] or each is TIMES[-1])
        return f"{value / seconds:.3g} {name}"
    if unit == "bytes":
        return f"{value / 2**20:.0f} MiB"
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def draw_panel(axes: Axes, panel: Mapping[str, Any], lines: Sequence[Line]) -> None:
    axes.set_title(panel["title"], fontsize=9, loc="left")
    unit = panel["fieldConfig"]["defaults"]["unit"]
    if panel["type"] == "stat":
        last = shown(lines[0].values[-1], unit) if lines else "no data"
        axes.text(0.5, 0.45, last, fontsize=18, ha="center", va="center", transform=axes.transAxes)
        axes.set_xticks([]), axes.set_yticks([])
    elif panel["type"] == "table":
        _draw_table(axes, lines)
    elif panel["type"] == "heatmap":
        _draw_heatmap(axes, lines)
    else:
        _draw_lines(axes, lines, unit, stacked="stacking" in panel["fieldConfig"]["defaults"]["custom"])


def _draw_lines(axes: Axes, lines: Sequence[Line], unit: str, *, stacked: bool) -> None:
    for line in [] if stacked else lines:
        axes.plot(np.array(line.seconds) / 60, line.values, linewidth=1, label=line.legend)
    if stacked and lines:
        moments = sorted({second for line in lines for second in line.seconds})
        layers = [np.interp(moments, line.seconds, line.values, left=0, right=0) for line in lines]
        axes.stackplot(np.array(moments) / 60, layers, labels=[line.legend for line in lines], alpha=0.6)
    axes.margins(y=0.15)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(lambda value, _: shown(value, unit))
    axes.tick_params(labelsize=7)
    axes.grid(alpha=0.3)
    if lines:
        columns = min(4, len(lines))
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=columns, fontsize=6, frameon=False)


def _draw_heatmap(axes: Axes, lines: Sequence[Line]) -> None:
    """Buckets are cumulative: each is shown less the one below it."""
    if not lines:
        return
    found = sorted(lines, key=lambda line: float(line.labels["le"]))
    moments = sorted({second for line in found for second in line.seconds})
    counts = np.array([np.interp(moments, line.seconds, line.values, left=0, right=0) for line in found])
    bars = np.diff(counts, axis=0, prepend=0)
    axes.pcolormesh(np.array(moments) / 60, np.arange(len(found)), bars, cmap="Oranges", shading="nearest")
    axes.set_yticks(range(len(found)), [line.labels["le"].removesuffix(".0") for line in found], fontsize=6)
    axes.tick_params(axis="x", labelsize=7)


def _draw_table(axes: Axes, lines: Sequence[Line]) -> None:
    names = ("model_name", "model_version", "labels", "awaited_by")
    rows = [[*(line.labels.get(name, "") for name in names), f"{line.values[-1]:.0%}"] for line in lines]
    axes.axis("off")
    if rows:
        table = axes.table(
            sorted(rows), colLabels=["model", "version", "labels", "awaited by", "share"], loc="upper center"
        )
        table.auto_set_font_size(False)
        table.set_fontsize(7)


def draw(panels: Sequence[Mapping[str, Any]], ask: Ask, start_seconds: float) -> Figure:
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    figure = Figure(figsize=(COLUMNS * COLUMN_INCHES, rows * ROW_INCHES), dpi=80)
    for panel in panels:
        place = panel["gridPos"]
        left, width = (place["x"] + 0.9) / COLUMNS, (place["w"] - 1.2) / COLUMNS
        if panel["type"] == "row":
            figure.text(0.2 / COLUMNS, 1 - (place["y"] + 0.8) / rows, panel["title"], fontsize=12, weight="bold")
            continue
        under = GUTTER if panel["type"] == "stat" else 2 * GUTTER
        height = (place["h"] - TITLE - under) / rows
        axes = figure.add_axes((left, 1 - (place["y"] + place["h"] - under) / rows, width, height))
        draw_panel(axes, panel, [line for target in panel["targets"] for line in lines_of(target, ask, start_seconds)])
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the dashboard with what a Prometheus has.")
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", metavar="URL")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    now = time.time()
    ask = asking(arguments.prometheus, arguments.minutes, now)
    draw(dashboard()["panels"], ask, now - 60 * arguments.minutes).savefig(arguments.out)


if __name__ == "__main__":
    main()
