"""What workers show each other of this moment: one row of numbers a worker, in memory they share.

Counts stay when a worker dies; these do not: a row whose process number is 0 counts for nothing.
"""

import gc
from collections.abc import Sequence
from dataclasses import astuple, dataclass

_CELL_BYTES = 8
_GENERATIONS = 3
_CELLS = 6 + 3 * _GENERATIONS
ROW_BYTES = 128


@dataclass(frozen=True, slots=True)
class Moment:
    """Batches in flight and allowed, rows that wait, and since when (monotonic seconds; 0 while nothing waits)."""

    in_flight_batches: float
    in_flight_limit: float
    queue_rows: float
    waiting_since_seconds: float


@dataclass(frozen=True, slots=True)
class Row:
    """A worker's row; `collections` has, for each generation of the garbage collector, how often it ran, what it freed
    and what it could not.
    """

    process: int
    starts: int
    moment: Moment
    collections: Sequence[tuple[float, float, float]]


class Board:
    """`memory` is zeroed and has ROW_BYTES for each worker."""

    def __init__(self, memory: memoryview, number: int) -> None:
        self.number = number
        self._cells = memory.cast("d")
        self._start = number * ROW_BYTES // _CELL_BYTES

    def begin(self, process: int) -> None:
        """A new process is this worker: nothing is left of the one before but the number of starts."""
        at = self._start
        self._cells[at + 1] += 1
        for cell in range(at + 2, at + _CELLS):
            self._cells[cell] = 0.0
        self._cells[at] = process

    def show(self, moment: Moment) -> None:
        at = self._start + 2
        for offset, value in enumerate(astuple(moment)):
            self._cells[at + offset] = value
        at += 4
        for offset, figures in enumerate(gc.get_stats()):
            place = at + 3 * offset
            self._cells[place] = figures["collections"]
            self._cells[place + 1] = figures["collected"]
            self._cells[place + 2] = figures["uncollectable"]

    def rows(self) -> dict[int, Row]:
        """Every worker's row, the dead ones' included."""
        row_cells = ROW_BYTES // _CELL_BYTES
        cells = [self._cells[at : at + row_cells].tolist() for at in range(0, len(self._cells), row_cells)]
        return {number: _row(values) for number, values in enumerate(cells)}

    def live(self) -> dict[int, Row]:
        return {number: row for number, row in self.rows().items() if row.process}


def _row(values: Sequence[float]) -> Row:
    moment = Moment(*values[2:6])
    collections = [(values[at], values[at + 1], values[at + 2]) for at in range(6, _CELLS, 3)]
    return Row(int(values[0]), int(values[1]), moment, collections)
