"""Pictures of a classifier on the test split: confusion, what it trades for what, calibration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from training.evaluation.calibration import calibrate
from training.evaluation.classification import Truth, class_report, confusion
from training.evaluation.curves import Curve, precision_recall, roc
from training.report.drawing import BLUE, GREY, ORANGE, Picture, new_figure, picture, sample_note, sampled
from training.report.facts import Table
from training.report.words import number, share, squeezed

Probabilities = NDArray[np.float32]

MOST_CURVES = 10
"""More lines than this cannot be told apart."""
MOST_CURVE_ROWS = 100_000
MOST_COUNTED = 20
"""Classes up to which each cell of the confusion matrix has its count written in it."""
MOST_NAMED = 60
MOST_IN_MATRIX = 120
"""Beyond this a cell is less than a pixel; the table of pairs says more."""
MOST_PAIRS = 15
LONGEST_LABEL = 18
LONGEST_IN_LEGEND = 40
CURVE_INCHES = 4.2
"""And as much more as the legend below takes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which classes' curves are drawn, of which rows; `note` says what was left out."""

    answers: Probabilities
    truth: Truth
    chosen: tuple[int, ...]
    labels: Sequence[str]
    note: str


def class_pictures(answers: Probabilities, truth: Truth, labels: Sequence[str]) -> list[Picture]:
    """`answers` [rows, classes] against class numbers [rows]; a curve that no row defines is left out."""
    chosen, note = _chosen_classes(answers, truth)
    rows = sampled(len(truth), MOST_CURVE_ROWS)
    note = "; ".join(filter(None, (note, sample_note(len(truth), MOST_CURVE_ROWS))))
    asked = Asked(answers[rows], truth[rows], tuple(chosen), labels, note)
    matrix = _confusion(confusion(answers, truth), labels) if len(labels) <= MOST_IN_MATRIX else None
    drawn = [matrix, _roc(asked), _precision_recall(asked)]
    return [*filter(None, drawn), _calibration(answers, truth)]


def most_confused(counts: NDArray[np.int64], labels: Sequence[str]) -> Table:
    """The pairs of classes that were taken for each other most often, at most MOST_PAIRS; `counts` as `confusion`."""
    wrong = counts * ~np.eye(len(counts), dtype=np.bool_)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]
    pairs = [divmod(int(place), len(counts)) for place in order]
    rows = tuple(
        (labels[truth], labels[answer], number(int(wrong[truth, answer])), number(int(counts[truth].sum())))
        for truth, answer in pairs
        if wrong[truth, answer]
    )
    return Table("Most confused pairs", ("truth", "answer", "rows", "of the class's"), rows)


def _chosen_classes(answers: Probabilities, truth: Truth) -> tuple[list[int], str]:
    """Of two classes the second; of many those that are answered worst, with a note that says so."""
    scores = class_report(answers, truth)
    if len(scores) == 2:
        return [1], ""
    if len(scores) <= MOST_CURVES:
        return list(range(len(scores))), ""
    there = [place for place, score in enumerate(scores) if score.rows]
    worst = sorted(there, key=lambda place: scores[place].f1 or 0.0)[:MOST_CURVES]
    return worst, f"the {len(worst)} of {len(scores)} classes with the lowest F1"


def _confusion(counts: NDArray[np.int64], labels: Sequence[str]) -> Picture:
    classes = len(labels)
    side = float(np.clip(2.6 + 0.33 * classes, 4.6, 11.0))
    figure, axes = new_figure(side, side)
    truths = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shares = counts / truths
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    axes.grid(visible=False)
    axes.set(xlabel="answer", ylabel="truth")
    if classes <= MOST_NAMED:
        names = [squeezed(label, LONGEST_LABEL) for label in labels]
        upright = max(map(len, names)) > 3
        axes.set_xticks(range(classes), names, rotation=90 if upright else 0)
        axes.set_yticks(range(classes), names)
        axes.tick_params(labelsize=10 if classes <= 12 else 8, length=0)
    else:
        axes.set_title(f"{classes} classes by their number", fontsize=9, color=GREY)
    if classes <= MOST_COUNTED:
        _write_counts(axes, counts, shares)
    caption = "Confusion matrix: rows by truth and answer; the darker, the larger a share of the class"
    return picture("confusion", caption, figure, "wide" if classes > 14 else "normal")


def _write_counts(axes: Axes, counts: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    size = 9 if len(counts) <= 12 and counts.max() < 10_000 else 6.5
    for (truth, answer), count in np.ndenumerate(counts):
        if count:
            color = "white" if shares[truth, answer] > 0.55 else "#111827"
            axes.text(answer, truth, f"{count:,}", ha="center", va="center", fontsize=size, color=color)


def _roc(asked: Asked) -> Picture | None:
    figure, axes = new_figure(height=CURVE_INCHES)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1.2)
    axes.set(xlabel="false positives, share of the other classes' rows", ylabel="recall")
    if not _curves(figure, axes, roc, "area", asked):
        return None
    return picture("roc", "ROC: each class against the rest; the dotted line is chance", figure)


def _precision_recall(asked: Asked) -> Picture | None:
    figure, axes = new_figure(height=CURVE_INCHES)
    axes.set(xlabel="recall", ylabel="precision")
    if not _curves(figure, axes, precision_recall, "average precision", asked):
        return None
    return picture("precision_recall", "Precision and recall: each class against the rest", figure)


def _curves(
    figure: Figure,
    axes: Axes,
    of_class: Callable[[Probabilities, Truth, int], Curve | None],
    area: str,
    asked: Asked,
) -> bool:
    colors = mpl.colormaps["tab10"].colors  # type: ignore[attr-defined]  # a ListedColormap, typed as its base
    curves = [curve for place in asked.chosen if (curve := of_class(asked.answers, asked.truth, place))]
    for curve, color in zip(curves, colors, strict=False):
        label = squeezed(asked.labels[curve.class_number], LONGEST_IN_LEGEND)
        axes.plot(curve.x, curve.y, color=color, label=f"{label}  {share(curve.area)}", linewidth=1.6)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.03))
    axes.set_title(asked.note, fontsize=9, color=GREY)
    if curves:
        _legend_below(figure, f"class, {area}", [asked.labels[curve.class_number] for curve in curves])
    return bool(curves)


def _legend_below(figure: Figure, title: str, labels: Sequence[str]) -> None:
    columns = 1 if len(labels) == 1 or max(map(len, labels)) > 14 else 2
    lines = -(-len(labels) // columns)
    figure.set_figheight(CURVE_INCHES + 0.2 * lines)
    figure.legend(loc="outside lower center", ncols=columns, title=title, title_fontsize=9)


def _calibration(answers: Probabilities, truth: Truth) -> Picture:
    found = calibrate(answers, truth.astype(np.int64))
    figure = Figure(figsize=(5.4, 5.0))
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1.2, label="as right as confident")
    axes.plot(found.confidence, found.accuracy, "o-", color=BLUE, label="test split")
    axes.set(ylabel="share answered rightly", xlim=(-0.02, 1.02), ylim=(-0.02, 1.03))
    axes.legend()
    axes.set_title(f"calibration error {number(found.error)}", fontsize=9, color=GREY)
    below.bar(found.confidence, found.rows, width=0.04, color=ORANGE)
    below.set(xlabel="confidence: the answer's probability", ylabel="rows")
    return picture("calibration", "Calibration: how often an answer of a given confidence is right", figure)
