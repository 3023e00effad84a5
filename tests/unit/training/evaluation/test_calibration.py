"""Confidence held against how often it is right."""

import numpy as np
import pytest

from training.evaluation.calibration import calibrate


def test_error_is_the_mean_gap_between_confidence_and_accuracy() -> None:
    shares = np.array([[0.85, 0.15], [0.85, 0.15], [0.4, 0.6], [0.0, 1.0]])
    found = calibrate(shares, np.array([0, 1, 1, 1]))
    assert found.rows.tolist() == [1, 2, 1]
    assert found.confidence == pytest.approx([0.6, 0.85, 1.0])
    assert found.accuracy.tolist() == [1.0, 0.5, 1.0]
    assert found.error == pytest.approx((0.4 + 2 * 0.35 + 0) / 4)


def test_as_right_as_confident_is_no_error() -> None:
    shares = np.full((4, 2), [0.75, 0.25])
    assert calibrate(shares, np.array([0, 0, 0, 1])).error == 0
