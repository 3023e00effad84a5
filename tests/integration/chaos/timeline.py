"""The picture of the storms: each second's requests by how they ended, with the time of every fault shaded."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from loadtests.bench.chart import INK, OURS, bare_frame
from tests.integration.chaos.questions import Outcome
from tests.integration.chaos.report import Storm

COLOURS = {
    Outcome.ANSWERED: OURS,
    Outcome.REFUSED: "#e0a526",
    Outcome.FAILED: "#c8553d",
    Outcome.WRONG: "#7b2d8b",
    Outcome.LOST: "#000000",
}
SHADE = "#e4e7ea"
WIDTH_INCHES, PANEL_INCHES, NAMES_SHARE = 14.0, 5.0, 1.0


def draw_timeline(storms: Sequence[Storm], path: Path) -> None:
    figure = Figure(figsize=(WIDTH_INCHES, PANEL_INCHES * len(storms)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(storms), 1, squeeze=False)[:, 0]
    for axis, storm in zip(axes, storms, strict=True):
        _draw(axis, storm)
    axes[-1].set_xlabel("seconds of the run", color=INK)
    figure.savefig(path, dpi=110)


def _draw(axis: Axes, storm: Storm) -> None:
    bare_frame(axis, grid="y")
    seconds = max(1, math.ceil(float(storm.account.due[-1])))
    counts = {outcome: storm.account.per_second(outcome, seconds) for outcome in Outcome}
    base = np.zeros(seconds, np.int64)
    for outcome, colour in COLOURS.items():
        total = int(counts[outcome].sum())
        label = f"{outcome}: {total:,}"
        axis.bar(np.arange(seconds) + 0.5, counts[outcome], 1.0, bottom=base, color=colour, label=label, linewidth=0)
        base += counts[outcome]
    top = float(base.max())
    for window in storm.windows:
        axis.axvspan(window.began, window.until, color=SHADE, zorder=0)
        axis.text(
            (window.began + window.until) / 2,
            top * 1.04,
            window.name,
            rotation=90,
            ha="center",
            va="bottom",
            fontsize=7,
            color=INK,
        )
    axis.set_ylim(0, top * (1.04 + NAMES_SHARE))
    axis.set_xlim(0, seconds)
    axis.set_yticks([tick for tick in axis.get_yticks() if tick <= top * 1.1])
    axis.set_ylabel("requests due, each second", color=INK)
    axis.set_title(f"{storm.stage} (seed {storm.seed})", loc="left", fontsize=10, color=INK)
    axis.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8, ncols=len(Outcome))
