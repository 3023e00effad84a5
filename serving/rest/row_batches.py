"""The batches into which a stream of rows is divided, and what becomes of each.

Pure.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from serving.contract.features import Feature, ImageFeature
from serving.contract.tensors import NUMPY_DTYPES
from serving.errors import PenstockError
from serving.prediction import Prediction
from serving.preprocessing.row_records import Record

BATCH_BYTES = 4 * 1024 * 1024
IMAGE_ROWS = 64
"""Rows of one batch where they have images: photos of 4 megapixels are within `max_request_pixels` together."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records in a row, the first of them row `start`."""

    start: int
    records: Sequence[Record]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch: the predictions of its rows up to the first wrong one, and what was wrong with that."""

    prediction: Prediction | None
    rows: int
    error: PenstockError | None = None


def rows_per_batch(features: Sequence[Feature], most: int) -> int:
    """How many rows make a batch: `most`, or as many as have BATCH_BYTES of tensors, and of images IMAGE_ROWS."""
    row_bytes = sum(
        math.prod(size or 1 for size in feature.row_shape) * NUMPY_DTYPES[feature.dtype].itemsize
        for feature in features
    )
    if any(isinstance(feature, ImageFeature) for feature in features):
        most = min(most, IMAGE_ROWS)
    return max(1, min(most, BATCH_BYTES // max(1, row_bytes)))
