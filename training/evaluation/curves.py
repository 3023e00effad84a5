"""What a classifier trades for what, threshold by threshold: one class against the rest. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_curve

from training.evaluation.classification import Truth

MAX_POINTS = 400
"""More than a picture's pixels tell apart."""


@dataclass(frozen=True, slots=True)
class Curve:
    """`x` and `y`, shares of 1, at most MAX_POINTS of the thresholds; `area` is that of all of them."""

    class_number: int
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    area: float


def roc(probabilities: NDArray[np.floating], truth: Truth, class_number: int) -> Curve | None:
    """False positives over negatives against recall; None unless some rows are of the class and some are not."""
    positive = truth.astype(np.int64) == class_number
    if positive.all() or not positive.any():
        return None
    false_positives, recall, _ = roc_curve(positive, probabilities[:, class_number])
    return _thinned(class_number, false_positives, recall, float(auc(false_positives, recall)))


def precision_recall(probabilities: NDArray[np.floating], truth: Truth, class_number: int) -> Curve | None:
    """Recall against precision; `area` is the average precision. None where no row is of the class."""
    positive = truth.astype(np.int64) == class_number
    if not positive.any():
        return None
    score = probabilities[:, class_number]
    precision, recall, _ = precision_recall_curve(positive, score, drop_intermediate=True)
    return _thinned(class_number, recall, precision, float(average_precision_score(positive, score)))


def _thinned(class_number: int, x: NDArray[np.float64], y: NDArray[np.float64], area: float) -> Curve:
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), MAX_POINTS)).round().astype(np.int64))
    return Curve(class_number, x[kept], y[kept], area)
