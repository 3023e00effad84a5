"""Figures of a classifier. Pure: probabilities [rows, classes] against class numbers [rows].

A figure that its definition leaves open (the recall of a class that no row has) is left out, and not guessed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    fbeta_score,
    log_loss,
    precision_recall_fscore_support,
    precision_score,
    recall_score,
    roc_auc_score,
)

from training.evaluation.calibration import calibrate

Truth = NDArray[np.int64] | NDArray[np.float32]

F_BETAS = {"f1": 1.0, "f2": 2.0}
"""Beta says how many times as much recall counts as precision."""


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class against the rest. `predicted` and `rows` count answers and truth; what is undefined is None."""

    precision: float | None
    recall: float | None
    f1: float | None
    rows: int
    predicted: int


def score_classes(probabilities: NDArray[np.floating], truth: Truth) -> dict[str, float]:
    """Shares of 1, but for `log_loss` in nats. Of two classes `precision`, `recall`, `f1` and `f2` (F-beta with beta
    1 and 2), `roc_auc` and `pr_auc` are those of the second against the first; of more they are plain (macro) means
    over each class against the rest, so that a rare one counts as much as a common one.
    """
    numbers = truth.astype(np.int64)
    shares = _summing_to_one(probabilities)
    classes = range(shares.shape[1])
    scores = {
        "accuracy": float(np.mean(shares.argmax(axis=1) == numbers)),
        "log_loss": float(log_loss(numbers, shares, labels=classes)),
        **dict(_counted(shares, numbers)),
    }
    if _all_present(numbers, len(classes)):
        chosen = slice(1, None) if len(classes) == 2 else slice(None)
        is_class, of_class = np.eye(len(classes))[numbers][:, chosen], shares[:, chosen]
        scores["roc_auc"] = float(roc_auc_score(is_class, of_class, average="macro"))
        scores["pr_auc"] = float(average_precision_score(is_class, of_class, average="macro"))
    scores["calibration_error"] = calibrate(shares, numbers).error
    return scores


def class_report(probabilities: NDArray[np.floating], truth: Truth) -> tuple[ClassScore, ...]:
    """A ClassScore for each class, in the order of the columns."""
    numbers, answers, classes = truth.astype(np.int64), probabilities.argmax(axis=1), range(probabilities.shape[1])
    precision, recall, f1, rows = precision_recall_fscore_support(numbers, answers, labels=classes, zero_division=0)
    predicted = np.bincount(answers, minlength=len(classes))
    return tuple(
        ClassScore(
            precision=float(precision[number]) if predicted[number] else None,
            recall=float(recall[number]) if rows[number] else None,
            f1=float(f1[number]) if rows[number] or predicted[number] else None,
            rows=int(rows[number]),
            predicted=int(predicted[number]),
        )
        for number in classes
    )


def confusion(probabilities: NDArray[np.floating], truth: Truth) -> NDArray[np.int64]:
    """Rows counted by [true class, answered class]."""
    numbers, classes = truth.astype(np.int64), np.arange(probabilities.shape[1])
    counts: NDArray[np.int64] = confusion_matrix(numbers, probabilities.argmax(axis=1), labels=classes)
    return counts


def _counted(shares: NDArray[np.float64], numbers: NDArray[np.int64]) -> Iterator[tuple[str, float]]:
    answers, classes = shares.argmax(axis=1), range(shares.shape[1])
    of = [1] if len(classes) == 2 else list(classes)
    if (np.bincount(answers, minlength=len(classes))[of] > 0).all():
        yield "precision", float(precision_score(numbers, answers, labels=of, average="macro", zero_division=0))
    if _all_present(numbers, len(classes)):
        yield "recall", float(recall_score(numbers, answers, labels=of, average="macro"))
        for name, beta in F_BETAS.items():
            yield name, float(fbeta_score(numbers, answers, beta=beta, labels=of, average="macro", zero_division=0))


def _all_present(numbers: NDArray[np.int64], classes: int) -> bool:
    return bool((np.bincount(numbers, minlength=classes) > 0).all())


def _summing_to_one(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    # float32 sums to one within 1e-7, which scikit-learn takes for a mistake once it is float64
    shares = probabilities.astype(np.float64)
    summing: NDArray[np.float64] = shares / shares.sum(axis=1, keepdims=True)
    return summing
