"""Answers and truth to figures, beside what the simplest rule reaches. Pure: numpy only."""

import numpy as np
from numpy.typing import NDArray

from serving.contract.manifest import Classification, Metrics
from training.data.dataset import Rows
from training.job import JobSpec

_SMALLEST_PROBABILITY = 1e-7
"""Keras's own floor under a logarithm; a probability of exactly zero would make one row's loss infinite."""


def evaluate(job: JobSpec, answers: NDArray[np.float32], test: Rows, train: Rows) -> Metrics:
    """The model's `answers` on `test`, and the baseline's: it answers every row with the training split's class
    frequencies, or with the training mean. Figures are plain floats: shares of 1, nats, or the target's own unit.
    """
    baseline = np.broadcast_to(simplest_answer(job, train), answers.shape)
    score = score_classes if isinstance(job.outputs, Classification) else score_values
    return Metrics(test=score(answers, test.target), baseline=score(baseline, test.target))


def simplest_answer(job: JobSpec, train: Rows) -> NDArray[np.float64]:
    """One row of output, the same for every input: its largest class is the majority class."""
    if isinstance(job.outputs, Classification):
        return np.bincount(train.target.astype(np.int64), minlength=len(job.outputs.labels)) / len(train)
    return np.array([train.target.mean(dtype=np.float64)])


def score_classes(
    probabilities: NDArray[np.floating], truth: NDArray[np.int64] | NDArray[np.float32]
) -> dict[str, float]:
    """`probabilities` [rows, classes] against class numbers [rows]."""
    given_to_truth = probabilities[np.arange(len(truth)), truth.astype(np.int64)].astype(np.float64)
    return {
        "accuracy": float(np.mean(probabilities.argmax(axis=1) == truth)),
        "log_loss": float(-np.log(np.maximum(given_to_truth, _SMALLEST_PROBABILITY)).mean()),
    }


def score_values(values: NDArray[np.floating], truth: NDArray[np.int64] | NDArray[np.float32]) -> dict[str, float]:
    """`values` [rows, 1] against numbers [rows]."""
    error = values[:, 0].astype(np.float64) - truth.astype(np.float64)
    return {"mae": float(np.abs(error).mean()), "rmse": float(np.sqrt(np.square(error).mean()))}
