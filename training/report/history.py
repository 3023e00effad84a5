"""Pictures of the fit: each loss and metric by epoch, training beside validation, and the learning rate."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullFormatter

from training.report.drawing import BLUE, GREY, ORANGE, Picture, new_figure, picture
from training.report.words import number, short

LEARNING_RATE = "learning_rate"
VALIDATION = "val_"
LOGARITHMIC_FROM = 50.0
"""Times the least value that the greatest must be, so that the first epochs do not flatten the rest."""
MARKED_EPOCHS = 12


def history_pictures(history: Mapping[str, Sequence[float]], best_epoch: int) -> list[Picture]:
    """One for each name in `history`, with its `val_` counterpart; the learning rate, where it moves, last.
    `best_epoch` is from 1.
    """
    still = {LEARNING_RATE} if len(set(history.get(LEARNING_RATE, ()))) == 1 else set()
    names = [name for name in dict.fromkeys(name.removeprefix(VALIDATION) for name in history) if name not in still]
    names.sort(key=lambda name: (name == LEARNING_RATE, name != "loss"))
    return [_curve(number, name, history, best_epoch) for number, name in enumerate(names, start=1)]


def _curve(place: int, name: str, history: Mapping[str, Sequence[float]], best_epoch: int) -> Picture:
    figure, axes = new_figure()
    plotted = [
        _line(axes, history[key], color, label)
        for key, color, label in ((name, BLUE, "training"), (VALIDATION + name, ORANGE, "validation"))
        if key in history
    ]
    values = np.concatenate(plotted)
    finite = values[np.isfinite(values)]
    if len(finite) and finite.min() > 0 and finite.max() / finite.min() > LOGARITHMIC_FROM:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")  # the usual powers of ten are drawn as formulas, which are off
        axes.yaxis.set_minor_formatter(NullFormatter())
    if len(plotted[0]) <= MARKED_EPOCHS:
        axes.set_xlim(0.5, max(map(len, plotted)) + 0.5)
    _mark_best(axes, history.get(VALIDATION + name, ()), best_epoch)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    axes.set(xlabel="epoch", ylabel=short(name.replace("_", " "), 40))
    if name != LEARNING_RATE:
        axes.legend()
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return picture(f"history_{place}_{slug}", f"{short(name.replace('_', ' '), 80)} by epoch", figure)


def _line(axes: Axes, series: Sequence[float], color: str, label: str) -> np.ndarray:
    values = np.asarray(series, dtype=np.float64)
    shown = np.where(np.isfinite(values), values, np.nan)
    marker = "o" if len(values) <= MARKED_EPOCHS else ""
    axes.plot(np.arange(1, len(values) + 1), shown, color=color, label=label, marker=marker, markersize=4)
    return shown


def _mark_best(axes: Axes, validation: Sequence[float], best_epoch: int) -> None:
    axes.axvline(best_epoch, color=GREY, linestyle=":", linewidth=1.2)
    told = f"best epoch {best_epoch}"
    if 0 < best_epoch <= len(validation) and np.isfinite(validation[best_epoch - 1]):
        axes.plot(best_epoch, validation[best_epoch - 1], "o", color=ORANGE, markersize=7, markeredgecolor="white")
        told += f": {number(validation[best_epoch - 1])}"
    axes.set_title(told, color=GREY, fontsize=9)
