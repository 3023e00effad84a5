"""Figures of classifiers, against values worked out by hand."""

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from training.evaluation.classification import ClassScore, class_report, confusion, score_classes

TWO = np.array([[0.9, 0.1], [0.6, 0.4], [0.35, 0.65], [0.2, 0.8], [0.7, 0.3]])
TRUTH = np.array([0, 0, 1, 1, 1])
"""Answered 0 0 1 1 0: class 0 has precision 2/3 and recall 1, class 1 precision 1 and recall 2/3."""


def test_accuracy_is_the_share_of_rows_whose_likeliest_class_is_the_true_one() -> None:
    scores = score_classes(np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]]), np.array([0, 2]))
    assert scores["accuracy"] == 0.5
    assert scores["log_loss"] == pytest.approx(-(math.log(0.5) + math.log(0.1)) / 2)


def test_certain_and_wrong_is_a_large_finite_loss() -> None:
    assert math.isfinite(score_classes(np.array([[1.0, 0.0]]), np.array([1]))["log_loss"])


def test_precision_recall_and_f_of_two_classes_are_the_seconds() -> None:
    scores = score_classes(TWO, TRUTH)
    assert scores["precision"] == 1
    assert scores["recall"] == pytest.approx(2 / 3)
    assert scores["f1"] == pytest.approx(0.8)
    assert scores["f2"] == pytest.approx((5 * 2 / 3) / (4 + 2 / 3))


def test_precision_recall_and_f_of_many_classes_are_plain_means() -> None:
    third = np.hstack([TWO, np.zeros((5, 1))])
    scores = score_classes(np.vstack([third, [[0, 0, 1]]]), np.append(TRUTH, 2))
    assert scores["precision"] == pytest.approx((2 / 3 + 1 + 1) / 3)
    assert scores["recall"] == pytest.approx((1 + 2 / 3 + 1) / 3)
    assert scores["f1"] == pytest.approx((0.8 + 0.8 + 1) / 3)


def test_areas_of_two_classes_are_the_seconds() -> None:
    scores = score_classes(TWO, TRUTH)
    assert scores["roc_auc"] == pytest.approx(5 / 6)  # of six pairs one is in the wrong order: 0.3 before 0.4
    assert scores["pr_auc"] == pytest.approx(1 / 3 + 1 / 3 + 1 / 3 * 3 / 4)


def test_areas_of_many_classes_are_each_against_the_rest() -> None:
    random = np.random.default_rng(3)
    shares, truth = random.dirichlet(np.ones(4), 60), np.arange(60) % 4
    scores = score_classes(shares.astype(np.float32), truth)
    assert scores["roc_auc"] == pytest.approx(roc_auc_score(truth, shares, multi_class="ovr"), abs=1e-6)
    assert scores["f1"] == pytest.approx(f1_score(truth, shares.argmax(axis=1), average="macro"))


def test_what_an_absent_class_leaves_undefined_is_left_out() -> None:
    scores = score_classes(np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1]]), np.array([0, 1]))
    assert set(scores) == {"accuracy", "log_loss", "calibration_error"}


def test_class_report_tells_each_class_against_the_rest() -> None:
    first, second = class_report(TWO, TRUTH)
    assert [first.precision, first.recall, first.f1] == pytest.approx([2 / 3, 1.0, 0.8])
    assert [second.precision, second.recall, second.f1] == pytest.approx([1.0, 2 / 3, 0.8])
    assert [(score.rows, score.predicted) for score in (first, second)] == [(2, 3), (3, 2)]


def test_class_report_has_no_figure_for_a_class_nobody_saw() -> None:
    assert class_report(np.array([[0.8, 0.1, 0.1]]), np.array([0]))[2] == ClassScore(None, None, None, 0, 0)


def test_confusion_counts_truth_by_answer() -> None:
    assert confusion(TWO, TRUTH).tolist() == [[2, 0], [1, 2]]
