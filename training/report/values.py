"""Pictures of a regressor on the test split: what it said beside what is true, and what is left between them."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from training.evaluation.classification import Truth
from training.evaluation.regression import residuals
from training.report.drawing import BLUE, GREY, ORANGE, Picture, new_figure, picture, sample_note, sampled
from training.report.words import number, short

MOST_POINTS = 4_000
"""Beyond this the middle of a cloud is one blot, and drawing it takes seconds."""


@dataclass(frozen=True, slots=True)
class Values:
    """`predicted` and `true` [rows], in `unit`; `note` says when they are a sample."""

    predicted: NDArray[np.float64]
    true: NDArray[np.float64]
    unit: str
    note: str


def value_pictures(answers: NDArray[np.float32], truth: Truth, unit: str) -> list[Picture]:
    """`answers` [rows, 1] against values [rows], both in `unit`, which may be empty. The histogram counts every row."""
    rows = sampled(len(truth), MOST_POINTS)
    shown = Values(
        answers[rows, 0].astype(np.float64),
        truth[rows].astype(np.float64),
        f" ({short(unit, 24)})" if unit else "",
        sample_note(len(truth), MOST_POINTS),
    )
    return [
        _predicted_and_true(shown),
        _residuals_by_prediction(shown),
        _residual_histogram(residuals(answers, truth), shown.unit),
    ]


def _predicted_and_true(shown: Values) -> Picture:
    figure, axes = new_figure()
    both = np.concatenate([shown.predicted, shown.true])
    margin = 0.04 * (both.max() - both.min() or 1.0)
    ends = (both.min() - margin, both.max() + margin)
    axes.plot(ends, ends, color=GREY, linestyle=":", linewidth=1.2)
    _dots(axes, shown.true, shown.predicted)
    axes.set(xlim=ends, ylim=ends, xlabel=f"true{shown.unit}", ylabel=f"predicted{shown.unit}")
    axes.set_title(shown.note, fontsize=9, color=GREY)
    _round_ticks(axes)
    return picture("predicted_and_true", "Predicted and true: on the dotted line they are equal", figure)


def _residuals_by_prediction(shown: Values) -> Picture:
    figure, axes = new_figure()
    axes.axhline(0, color=GREY, linestyle=":", linewidth=1.2)
    _dots(axes, shown.predicted, shown.predicted - shown.true)
    axes.set(xlabel=f"predicted{shown.unit}", ylabel=f"predicted less true{shown.unit}")
    axes.set_title(shown.note, fontsize=9, color=GREY)
    _round_ticks(axes)
    return picture("residuals_by_prediction", "Residuals by prediction: above the line it said too much", figure)


def _residual_histogram(left: NDArray[np.float64], unit: str) -> Picture:
    figure, axes = new_figure()
    bins = int(np.clip(np.sqrt(len(left)) * 2, 5, 50))
    axes.hist(left, bins=bins, color=BLUE, alpha=0.85)
    axes.axvline(0, color=GREY, linestyle=":", linewidth=1.2)
    axes.axvline(float(np.median(left)), color=ORANGE, linewidth=1.6)
    axes.set(xlabel=f"predicted less true{unit}", ylabel="rows")
    axes.set_title(f"median {number(float(np.median(left)))}", fontsize=9, color=ORANGE)
    _round_ticks(axes)
    return picture("residuals", "Residuals: how many rows miss by how much", figure)


def _round_ticks(axes: Axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(5))  # six digits and a comma must not touch
    axes.xaxis.set_major_formatter("{x:,.6g}")
    axes.yaxis.set_major_formatter("{x:,.6g}")


def _dots(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    size, alpha = (6, 0.35) if len(x) > 500 else (18, 0.6)
    axes.scatter(x, y, s=size, alpha=alpha, color=BLUE, linewidths=0)
