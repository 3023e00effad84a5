"""Whether a classifier is right as often as it says. Pure.

Expected calibration error over equal bins of confidence: Guo et al. 2017, https://arxiv.org/abs/1706.04599
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 10
"""Guo et al. took 15 for thousands of test rows; with hundreds, ten leave something in most bins."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """By bin of confidence, empty bins left out: rows, their mean confidence, and the share answered rightly.

    `error` is the mean gap between the two over rows, a share of 1.
    """

    rows: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    error: float


def calibrate(probabilities: NDArray[np.floating], truth: NDArray[np.int64]) -> Calibration:
    """`probabilities` [rows, classes] against class numbers [rows]; confidence is the likeliest class's probability."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == truth
    in_bin = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(in_bin, minlength=BINS)
    held = counts > 0
    rows = counts[held]
    mean_confidence = np.bincount(in_bin, confidence, BINS)[held] / rows
    accuracy = np.bincount(in_bin, right, BINS)[held] / rows
    gaps = np.abs(accuracy - mean_confidence)
    return Calibration(rows, mean_confidence, accuracy, error=float((gaps * rows).sum() / rows.sum()))
