"""The end of a soak: the drift of what was watched, told with its reasons and drawn."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console

from loadtests.bench.chart import INK, OURS, bare_frame
from loadtests.drift import WARM_UP_SHARE, drifts
from loadtests.run_result import RunResult

PICTURE = "soak.png"
WARM_UP = "#eeeeee"


def conclude_soak(run: RunResult, folder: Path, console: Console) -> bool:
    """Prints each rule's reason, writes the picture, and says whether none was broken."""
    found = drifts(run)
    console.print("drift, after the first quarter of the run:")
    for drift in found:
        console.print(str(drift), style="green" if drift.is_held else "red", markup=False)
    draw_soak(run, folder / PICTURE)
    console.print(f"written: {folder / PICTURE}", markup=False)
    return all(drift.is_held for drift in found)


def draw_soak(run: RunResult, path: Path) -> None:
    """Memory, open files, threads and each second's p99 over the run, as PNG; the part that warms up is grey."""
    server = [sample.at_seconds for sample in run.server]
    seconds = [interval.at_seconds for interval in run.intervals]
    panels = [
        ("memory, MB", server, _scaled([sample.resident_bytes for sample in run.server], 1e-6)),
        ("open files", server, _scaled([sample.open_files for sample in run.server], 1)),
        ("threads", server, _scaled([sample.threads for sample in run.server], 1)),
        ("p99 of each second, ms", seconds, _scaled([each.p99_seconds for each in run.intervals], 1e3)),
    ]
    figure = Figure(figsize=(9, 9), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(panels), 1, sharex=True)
    for axis, (title, moments, values) in zip(axes, panels, strict=True):
        bare_frame(axis, grid="y")
        axis.axvspan(0, run.seconds * WARM_UP_SHARE / 60, color=WARM_UP, linewidth=0)
        axis.plot([moment / 60 for moment in moments], values, color=OURS, linewidth=1)
        axis.set_title(title, loc="left", fontsize=10, color=INK)
        axis.set_ylim(bottom=0)
    axes[-1].set_xlabel("minutes", color=INK)
    heading = f"{run.scenario}: {run.model}, {run.sent:,} requests in {run.seconds / 60:.1f} min"
    figure.suptitle(heading, color=INK, x=0.01, ha="left", fontsize=13)
    figure.savefig(path, dpi=120)


def _scaled(values: Sequence[float | None], scale: float) -> list[float]:
    return [float("nan") if value is None else value * scale for value in values]
