"""Pieces of a streamed part to batches of one size: in order, or shuffled within a window of rows.

No piece is as long as a batch needs; what is left of one starts the next.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from training.data.dataset import Rows
from training.data.survey import StreamedRows

WINDOW_ROWS = 2**18
"""Rows shuffled among each other: a file in some order should be shuffled on disk. 21 numbers a row are 22 MB."""


def batches_in_order(rows: StreamedRows, batch_rows: int) -> Iterator[Rows]:
    """Every row of the part once; each batch has `batch_rows` rows, the last what is left."""
    for window in _windows(rows, batch_rows, batch_rows):
        yield from _cut(window, np.arange(len(window)), batch_rows)


def shuffled_batches(rows: StreamedRows, batch_rows: int, seed: Sequence[int]) -> Iterator[Rows]:
    """Every row of the part once, shuffled within windows of WINDOW_ROWS or a batch; `seed` gives the order."""
    random = np.random.default_rng(seed)
    for window in _windows(rows, WINDOW_ROWS, batch_rows):
        yield from _cut(window, random.permutation(len(window)), batch_rows)


def _windows(rows: StreamedRows, least_rows: int, batch_rows: int) -> Iterator[Rows]:
    """Whole batches of at least `least_rows` rows, but for the last."""
    waiting: list[Rows] = []
    for piece in rows.stream.part(rows.part):
        waiting.append(piece)
        together = sum(map(len, waiting))
        if together >= max(least_rows, batch_rows):
            joined, whole = _joined(waiting), together // batch_rows * batch_rows
            yield joined.take(np.arange(whole))
            waiting = [joined.take(np.arange(whole, together))]
    if any(map(len, waiting)):
        yield _joined(waiting)


def _joined(parts: Sequence[Rows]) -> Rows:
    names = parts[0].inputs
    inputs = {name: np.concatenate([part.inputs[name] for part in parts]) for name in names}
    return Rows(inputs, np.concatenate([part.target for part in parts]))


def _cut(window: Rows, order: np.typing.NDArray[np.int64], batch_rows: int) -> Iterator[Rows]:
    for first in range(0, len(order), batch_rows):
        yield window.take(order[first : first + batch_rows])
