"""Figures, and the baseline beside them."""

import numpy as np
import pytest

from serving.errors import PublishError
from training.data.dataset import Rows
from training.evaluation.evaluate import evaluate
from training.job import JobSpec


def rows(target: np.ndarray) -> Rows:
    return Rows({}, target)


def test_baseline_of_a_classifier_answers_with_the_training_classes(classification_job: JobSpec) -> None:
    train, test = rows(np.array([1, 1, 1, 0])), rows(np.array([1, 0, 2]))
    metrics = evaluate(classification_job, np.eye(3, dtype=np.float32)[test.target.astype(np.int64)], test, train)
    assert metrics.test["accuracy"] == 1.0
    assert metrics.test["log_loss"] == pytest.approx(0, abs=1e-6)
    assert metrics.baseline["accuracy"] == pytest.approx(1 / 3)
    assert metrics.baseline["roc_auc"] == 0.5
    assert "precision" in metrics.test
    assert "precision" not in metrics.baseline, "two classes are never answered: there is no precision to speak of"


def test_baseline_of_a_regressor_answers_with_the_training_mean(regression_job: JobSpec) -> None:
    train, test = rows(np.array([10, 20], np.float32)), rows(np.array([15, 25], np.float32))
    metrics = evaluate(regression_job, np.array([[15], [24]], np.float32), test, train)
    assert metrics.test["mae"] == 0.5
    assert metrics.baseline["mae"] == 5.0


def test_answer_that_is_no_number_is_refused_with_its_row(regression_job: JobSpec) -> None:
    train, test = rows(np.array([10, 20], np.float32)), rows(np.array([15, 25], np.float32))
    with pytest.raises(PublishError, match="row 1"):
        evaluate(regression_job, np.array([[15], [np.nan]], np.float32), test, train)
