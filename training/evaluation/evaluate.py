"""A version's figures on the test split, beside what the simplest rule reaches there. Pure."""

import numpy as np
from numpy.typing import NDArray

from serving.contract.manifest import Classification, Metrics
from serving.errors import PublishError
from training.data.dataset import Rows
from training.evaluation.classification import score_classes
from training.evaluation.regression import score_values
from training.job import JobSpec


def evaluate(job: JobSpec, answers: NDArray[np.float32], test: Rows, train: Rows) -> Metrics:
    """The model's `answers` on `test`, and the baseline's: it answers every row with the training split's class
    frequencies, or with the training mean. A figure that is undefined is left out. Raises PublishError for an answer
    that is not a finite number.
    """
    finite = np.isfinite(answers).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise PublishError(f"the model answers {answers[row].tolist()} to row {row} of the test split")
    baseline = np.broadcast_to(simplest_answer(job, train), answers.shape)
    score = score_classes if isinstance(job.outputs, Classification) else score_values
    return Metrics(test=score(answers, test.target), baseline=score(baseline, test.target))


def simplest_answer(job: JobSpec, train: Rows) -> NDArray[np.float64]:
    """One row of output, the same for every input: its largest class is the majority class."""
    if isinstance(job.outputs, Classification):
        return np.bincount(train.target.astype(np.int64), minlength=len(job.outputs.labels)) / len(train)
    return np.array([train.target.mean(dtype=np.float64)])
