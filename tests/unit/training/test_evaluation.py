"""Figures, and the baseline beside them."""

import math

import numpy as np
import pytest

from training.data.dataset import Rows
from training.evaluation import evaluate, score_classes, score_values
from training.job import JobSpec


def rows(target: np.ndarray) -> Rows:
    return Rows({}, target)


def test_accuracy_is_the_share_of_rows_whose_likeliest_class_is_the_true_one() -> None:
    scores = score_classes(np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]]), np.array([0, 2]))
    assert scores["accuracy"] == 0.5
    assert scores["log_loss"] == pytest.approx(-(math.log(0.5) + math.log(0.1)) / 2)


def test_certain_and_wrong_is_a_large_finite_loss() -> None:
    assert math.isfinite(score_classes(np.array([[1.0, 0.0]]), np.array([1]))["log_loss"])


def test_errors_are_in_the_targets_unit() -> None:
    scores = score_values(np.array([[1.0], [5.0]]), np.array([1.0, 1.0]))
    assert scores == {"mae": 2.0, "rmse": pytest.approx(math.sqrt(8))}


def test_baseline_of_a_classifier_answers_with_the_training_classes(classification_job: JobSpec) -> None:
    train, test = rows(np.array([1, 1, 1, 0])), rows(np.array([1, 0, 2]))
    metrics = evaluate(classification_job, np.eye(3, dtype=np.float32)[test.target.astype(np.int64)], test, train)
    assert metrics.test == {"accuracy": 1.0, "log_loss": 0.0}
    assert metrics.baseline["accuracy"] == pytest.approx(1 / 3)


def test_baseline_of_a_regressor_answers_with_the_training_mean(regression_job: JobSpec) -> None:
    train, test = rows(np.array([10, 20], np.float32)), rows(np.array([15, 25], np.float32))
    metrics = evaluate(regression_job, np.array([[15], [24]], np.float32), test, train)
    assert metrics.test["mae"] == 0.5
    assert metrics.baseline["mae"] == 5.0
