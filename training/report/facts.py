"""Everything the report of one version tells, gathered by the pipeline. No drawing here, and no TensorFlow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from serving.contract.manifest import Manifest
from serving.contract.tensors import Array

PAGE = "index.html"
"""The page's name in the report's folder."""


@dataclass(frozen=True, slots=True)
class Table:
    """A plain table: each row has a cell for each of `header`, as text. A search's leaderboard, the folds' scores."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """What became of one run.

    `manifest` is told but for its number and digests, which only publishing knows. `history` maps Keras's names
    (`loss`, `val_loss`, ..., perhaps `learning_rate`) to one value an epoch; `best_epoch` counts from 1. `inputs` are
    the test split's decoded columns, rows first; `truth` its class numbers or values [rows]; `answers` what the model
    said to it, [rows, classes] or [rows, 1]. `job_text` is the job as it ran; `network_text` the layers.
    `category_counts` counts a category feature's values over the training split.
    """

    manifest: Manifest
    history: Mapping[str, Sequence[float]]
    best_epoch: int
    inputs: Mapping[str, Array]
    truth: NDArray[np.int64] | NDArray[np.float32]
    answers: NDArray[np.float32]
    network_text: str
    job_text: str
    category_counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    tables: tuple[Table, ...] = ()
