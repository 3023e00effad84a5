"""Curves of one class against the rest, against values worked out by hand."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from training.evaluation.curves import MAX_POINTS, precision_recall, roc

TWO = np.array([[0.9, 0.1], [0.6, 0.4], [0.35, 0.65], [0.2, 0.8], [0.7, 0.3]])
TRUTH = np.array([0, 0, 1, 1, 1])


def test_roc_goes_from_nothing_found_to_everything_called_positive() -> None:
    curve = roc(TWO, TRUTH, 1)
    assert curve is not None
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
    assert curve.area == pytest.approx(5 / 6)


def test_precision_recall_ends_at_the_highest_threshold() -> None:
    curve = precision_recall(TWO, TRUTH, 1)
    assert curve is not None
    assert (curve.x[-1], curve.y[-1]) == (0, 1)
    assert curve.area == pytest.approx(1 / 3 + 1 / 3 + 1 / 3 * 3 / 4)


def test_class_without_rows_has_no_curve_and_one_without_others_no_roc() -> None:
    assert precision_recall(TWO, np.ones(5, np.int64), 0) is None
    assert roc(TWO, np.ones(5, np.int64), 0) is None
    assert roc(TWO, np.ones(5, np.int64), 1) is None
    assert precision_recall(TWO, np.ones(5, np.int64), 1) is not None


def test_many_thresholds_are_thinned_but_the_area_is_that_of_all() -> None:
    random = np.random.default_rng(1)
    score, truth = random.random(20_000), np.arange(20_000) % 2
    curve = roc(np.column_stack([1 - score, score]), truth, 1)
    assert curve is not None
    assert len(curve.x) <= MAX_POINTS
    assert (curve.x[-1], curve.y[-1]) == (1, 1)
    assert curve.area == pytest.approx(roc_auc_score(truth, score))
