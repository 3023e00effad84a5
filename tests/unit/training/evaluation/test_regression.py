"""Figures of regressors, against values worked out by hand."""

import math

import numpy as np
import pytest

from training.evaluation.regression import residuals, score_values


def test_errors_are_in_the_targets_unit() -> None:
    scores = score_values(np.array([[1.0], [5.0], [3.0]]), np.array([1.0, 1.0, 4.0]))
    assert scores["mae"] == pytest.approx(5 / 3)
    assert scores["rmse"] == pytest.approx(math.sqrt(17 / 3))
    assert scores["mse"] == pytest.approx(17 / 3)
    assert scores["r2"] == pytest.approx(1 - 17 / 6)


def test_target_that_never_varies_has_no_variance_to_explain() -> None:
    assert "r2" not in score_values(np.array([[1.0], [2.0]]), np.array([1.0, 1.0]))


def test_residual_is_positive_where_too_much_was_predicted() -> None:
    assert residuals(np.array([[3.0], [1.0]]), np.array([1.0, 2.0])).tolist() == [2.0, -1.0]
