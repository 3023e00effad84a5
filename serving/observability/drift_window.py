"""The rows that a version was asked for lately, as counts in the bins of its training split.

Pure but for arrays. The window slides by a tenth of itself: the oldest tenth goes when a new one begins, so that
nothing is kept but counts.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from serving.backend_protocol import Arrays
from serving.contract.manifest import Histogram
from serving.contract.tensors import Array

SEGMENTS = 10
MOST_BINS = 64
MOST_FEATURES = 100
"""Of one version that are watched, in the manifest's order: each is a series of the metrics."""


@dataclass(slots=True)
class _Segment:
    counts: dict[str, Array]
    rows: int = 0


@dataclass(slots=True)
class DriftWindow:
    """Of one version: of the `sketches` those that can be watched. `window_rows` is the most rows it looks back."""

    sketches: Mapping[str, Histogram]
    window_rows: int
    _edges: dict[str, Array] = field(init=False)
    _segments: deque[_Segment] = field(init=False)

    def __post_init__(self) -> None:
        watched = [name for name, sketch in self.sketches.items() if _can_be_watched(sketch)][:MOST_FEATURES]
        self._edges = {name: np.asarray(self.sketches[name].edges, np.float64) for name in watched}
        self._segments = deque([self._empty()], SEGMENTS)

    @property
    def features(self) -> Sequence[str]:
        return tuple(self._edges)

    @property
    def rows(self) -> int:
        return sum(segment.rows for segment in self._segments)

    def add(self, requests: Sequence[Arrays]) -> None:
        """The rows of requests, at least one: together, for numpy takes as long for one row as for a hundred.

        An image counts each of its pixels; NaN, an absent value, counts nowhere.
        """
        if self._segments[-1].rows >= max(1, self.window_rows // SEGMENTS):
            self._segments.append(self._empty())
        segment = self._segments[-1]
        segment.rows += sum(len(next(iter(inputs.values()))) for inputs in requests)
        for name, edges in self._edges.items():
            columns = [inputs[name].reshape(-1) for inputs in requests if name in inputs]
            if columns and columns[0].dtype != object:
                values = columns[0] if len(columns) == 1 else np.concatenate(columns)
                segment.counts[name] = np.add(segment.counts[name], binned(edges, values))

    def counts(self, feature: str) -> list[int]:
        """By bin, over the whole window."""
        counts: list[int] = np.sum([segment.counts[feature] for segment in self._segments], axis=0).tolist()
        return counts

    def _empty(self) -> _Segment:
        return _Segment({name: np.zeros(len(edges) - 1, np.int64) for name, edges in self._edges.items()})


def binned(edges: Array, values: Array) -> Array:
    """How many values lie in each bin; those beyond the training split's range are in the outermost bins."""
    flat = np.asarray(values, np.float64).reshape(-1)
    flat = flat[~np.isnan(flat)]
    bins = len(edges) - 1
    return np.bincount(np.clip(np.searchsorted(edges, flat, side="right") - 1, 0, bins - 1), minlength=bins)


def _can_be_watched(sketch: Histogram) -> bool:
    """Not what nobody had a value of, nor what the metrics' cells cannot hold."""
    return 1 < len(sketch.counts) <= MOST_BINS and sum(sketch.counts) > 0
