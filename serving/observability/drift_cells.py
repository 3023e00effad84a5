"""Drift where all workers' figures lie: what a record of one feature holds, and what is read out of their sum.

Pure. Workers' records are added up, and so is everything in them: counts are then those of all, and what each worker
says alike (the training split's counts, the number of bins) is divided by how many said it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from serving.observability.cells import Key
from serving.observability.drift import population_stability_index
from serving.observability.drift_window import MOST_BINS

ACTUAL, EXPECTED = 0, MOST_BINS
ROWS, BINS, WORKERS = 2 * MOST_BINS, 2 * MOST_BINS + 1, 2 * MOST_BINS + 2
SIZE = 2 * MOST_BINS + 3
LEAST_ROWS = 500
"""Of fewer nothing is said: with 20 bins, chance alone makes 0.04 of 500 values, and an alarm of 100."""


class FeatureDrift(NamedTuple):
    """`psi` is None while the window has fewer than LEAST_ROWS rows."""

    model: str
    version: str
    feature: str
    rows: int
    psi: float | None


def record(actual: Sequence[float], expected: Sequence[float], rows: int) -> list[float]:
    """The cells of one worker's window of one feature."""
    cells = [0.0] * SIZE
    cells[ACTUAL : ACTUAL + len(actual)] = actual
    cells[EXPECTED : EXPECTED + len(expected)] = expected
    cells[ROWS], cells[BINS], cells[WORKERS] = rows, len(expected), 1.0
    return cells


def read(series: Mapping[Key, Sequence[float]]) -> Iterator[FeatureDrift]:
    """Of summed records; one that all workers have emptied is none."""
    for (model, version, feature), cells in series.items():
        workers = cells[WORKERS]
        if not workers:
            continue
        bins, rows = round(cells[BINS] / workers), int(cells[ROWS])
        expected = [count / workers for count in cells[EXPECTED : EXPECTED + bins]]
        psi = population_stability_index(expected, cells[ACTUAL : ACTUAL + bins]) if rows >= LEAST_ROWS else None
        yield FeatureDrift(model, version, feature, rows, psi)
