"""A model's answers to the whole test split, which a streamed table does not have in memory."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.batches import as_tensors
from training.data.dataset import Rows
from training.data.rebatch import batches_in_order
from training.data.survey import StreamedRows

BATCH_ROWS = 8192


def answers_and_truth(model: Any, test: Rows, answers: NDArray[np.float32]) -> tuple[NDArray[np.float32], Rows]:
    """Answers [rows, values] and the rows that they answer; a streamed part's come without their inputs.

    `answers` are those to the rows of `test` that are in memory.
    """
    if not isinstance(test, StreamedRows):
        return answers, test
    truth = np.empty(test.total, test.target.dtype)
    streamed, at = np.empty((test.total, *answers.shape[1:]), np.float32), 0
    for batch in batches_in_order(test, BATCH_ROWS):
        streamed[at : at + len(batch)] = model.predict_on_batch(as_tensors(batch.inputs))
        truth[at : at + len(batch)] = batch.target
        at += len(batch)
    return streamed, Rows({}, truth)
