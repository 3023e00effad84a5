"""The picture of the storms: each second's requests over each protocol by how they ended, with the time of every fault
shaded.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from loadtests.bench.chart import INK, OURS, bare_frame
from tests.integration.chaos.questions import Outcome, Protocol
from tests.integration.chaos.report import Storm

COLOURS = {
    Outcome.ANSWERED: OURS,
    Outcome.REFUSED: "#e0a526",
    Outcome.FAILED: "#c8553d",
    Outcome.WRONG: "#7b2d8b",
    Outcome.LOST: "#000000",
}
SHADE = "#e4e7ea"
TITLES = {
    Protocol.REST: "REST",
    Protocol.OIP: "gRPC: Open Inference Protocol",
    Protocol.TFS: "gRPC: TensorFlow Serving",
}
WIDTH_INCHES, PANEL_INCHES, NAMES_SHARE, LEGEND_SHARE = 14.0, 1.9, 1.4, 0.22
"""Names of faults stand above the first panel of a storm and take so many times the height of its bars."""


def draw_timeline(storms: Sequence[Storm], path: Path) -> None:
    panels = [(storm, protocol) for storm in storms for protocol in Protocol]
    heights = [PANEL_INCHES * (1.0 + NAMES_SHARE * _is_first(protocol)) for _, protocol in panels]
    figure = Figure(figsize=(WIDTH_INCHES, sum(heights)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, (storm, protocol) in zip(axes, panels, strict=True):
        top = _draw(axis, storm, protocol)
        if _is_first(protocol):
            _name_faults(axis, storm, top)
    axes[-1].set_xlabel("seconds of the run", color=INK)
    figure.savefig(path, dpi=110)


def _is_first(protocol: Protocol) -> bool:
    return protocol is Protocol.REST


def _draw(axis: Axes, storm: Storm, protocol: Protocol) -> float:
    """The height of the highest bar."""
    bare_frame(axis, grid="y")
    seconds = max(1, math.ceil(float(storm.account.due[-1])))
    counts = {outcome: storm.account.per_second(outcome, protocol, seconds) for outcome in Outcome}
    base = np.zeros(seconds, np.int64)
    for outcome, colour in COLOURS.items():
        label = f"{outcome}: {int(counts[outcome].sum()):,}"
        axis.bar(np.arange(seconds) + 0.5, counts[outcome], 1.0, bottom=base, color=colour, label=label, linewidth=0)
        base += counts[outcome]
    for window in storm.windows:
        axis.axvspan(window.began, window.until, color=SHADE, zorder=0)
    top = max(1.0, float(base.max()))
    axis.set_ylim(0, top * (1.05 + LEGEND_SHARE))
    axis.set_xlim(0, seconds)
    axis.set_yticks([tick for tick in axis.get_yticks() if tick <= top * 1.05])
    axis.set_ylabel("requests\ndue a second", color=INK)
    axis.text(0.004, 0.98, TITLES[protocol], transform=axis.transAxes, va="top", fontsize=9, color=INK)
    axis.legend(loc="upper right", frameon=False, fontsize=8, ncols=len(Outcome), borderaxespad=0.1)
    return top


def _name_faults(axis: Axes, storm: Storm, top: float) -> None:
    """Above the bars, upright; the panel grows by what they take."""
    for window in storm.windows:
        middle = (window.began + window.until) / 2
        axis.text(middle, top * 1.08, window.name, rotation=90, ha="center", va="bottom", fontsize=7, color=INK)
    ticks = axis.get_yticks()
    axis.set_ylim(0, top * (1.05 + LEGEND_SHARE) * (1.0 + NAMES_SHARE))
    axis.set_yticks(ticks)
    axis.set_title(f"{storm.stage} (seed {storm.seed})", loc="left", fontsize=10, color=INK)
