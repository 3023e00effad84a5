"""What the training split looked like, one histogram a feature: what drift is measured against later. Pure."""

from collections.abc import Mapping

import numpy as np

from serving.contract.manifest import Histogram
from serving.contract.tensors import Array

BINS = 20
"""Population stability is usually read off 10 to 20 bins; a few hundred rows still fill them."""


def sketch(columns: Mapping[str, Array]) -> dict[str, Histogram]:
    """BINS equal bins from the least to the greatest value of each column of numbers; an image counts all its pixels.

    NaN, which says that a value is absent, is not counted. Strings have no order to make bins of.
    """
    return {name: _histogram(column[~np.isnan(column)]) for name, column in columns.items() if column.dtype != object}


def _histogram(column: Array) -> Histogram:
    counts, edges = np.histogram(column.astype(np.float64), bins=BINS)
    return Histogram(edges=tuple(edges.tolist()), counts=tuple(counts.tolist()))
