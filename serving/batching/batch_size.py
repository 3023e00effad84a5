"""Rule 2: how many rows a batch holds at most, and how many rows its call then has.

Pure. The largest batch B keeps twice its time within the objective, since a request that comes while one batch runs
waits for it and then for its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Seconds: TypeAlias = Callable[[int], float | None]
"""The time of a call of so many rows; None while unknown."""

LEAST_WORTH = 0.5
"""Of the rows a second that the largest batches answer."""
CALLS_BEFORE_GROWTH = 32
"""Calls at the ceiling that must end well before it is lifted by an eighth."""


@dataclass(frozen=True, slots=True)
class LargestBatch:
    """B, and why it is not another, in words."""

    rows: int
    reason: str


def largest_batch(
    most_rows: int, allowed_rows: Sequence[int], p95: Seconds, objective_seconds: float | None
) -> LargestBatch:
    """The largest allowed size with 2 * S_p95(B) <= the objective; the smallest one where even that is too slow."""
    sizes = [size for size in allowed_rows if size <= most_rows] or ([most_rows] if allowed_rows else None)
    largest = sizes[-1] if sizes else most_rows
    if objective_seconds is None or p95(1) is None:
        return LargestBatch(largest, "the largest allowed; no objective limits it")

    def fits(rows: int) -> bool:
        return 2 * (p95(rows) or 0.0) <= objective_seconds

    if fits(largest):
        return LargestBatch(largest, f"the largest allowed; twice its p95 fits into {objective_seconds:g} s")
    rows = max((size for size in sizes if fits(size)), default=sizes[0]) if sizes else _last_that(fits, largest)
    return LargestBatch(rows, f"twice the p95 of a larger one would exceed {objective_seconds:g} s")


def worthwhile(chosen: LargestBatch, most_rows: int, allowed_rows: Sequence[int], mean: Seconds) -> LargestBatch:
    """`chosen`, or the least size that answers half the rows a second that the largest would, where it answers fewer:
    who makes batches smaller for the sake of some callers' patience must not refuse most of them for it.
    """
    sizes = [size for size in allowed_rows if size <= most_rows] or range(1, most_rows + 1)
    if chosen.rows >= sizes[-1] or not (most := mean(sizes[-1])):
        return chosen
    least = LEAST_WORTH * sizes[-1] / most
    rows = next((size for size in sizes if size >= least * (mean(size) or 0.0)), sizes[-1])
    if rows <= chosen.rows:
        return chosen
    return LargestBatch(rows, f"a smaller one would not answer half as many rows a second as one of {sizes[-1]}")


def explored(chosen: LargestBatch, most_rows: int, allowed_rows: Sequence[int]) -> LargestBatch:
    """One step beyond a B to which no larger size is known: twice as many rows, or the next allowed size. What larger
    batches take is a careful guess until one was sent; whoever trusted it would never send one.
    """
    larger = [size for size in allowed_rows if chosen.rows < size <= most_rows]
    rows = min(larger) if larger else chosen.rows if allowed_rows else min(most_rows, 2 * chosen.rows)
    if rows == chosen.rows:
        return chosen
    return LargestBatch(rows, f"larger than any seen so far, to find out what it takes; {chosen.rows} would do")


def call_rows(rows: int, allowed_rows: Sequence[int]) -> int:
    """The least allowed size that holds `rows`; as many as there are without sizes, or past the last."""
    return next((size for size in allowed_rows if size >= rows), rows)


def rows_to_send(waiting_rows: int, allowed_rows: Sequence[int], mean: Seconds) -> int:
    """How many of the waiting rows go now: all of them, padded to the next allowed size u, or just the allowed size d
    below where that is cheaper a row: S(d)/d < S(u)/n.
    """
    below = max((size for size in allowed_rows if size <= waiting_rows), default=None)
    if below is None or below == waiting_rows:
        return waiting_rows
    small, large = mean(below), mean(call_rows(waiting_rows, allowed_rows))
    if small is None or large is None:
        return waiting_rows
    return below if small / below < large / waiting_rows else waiting_rows


class Ceiling:
    """How many rows the backend has room for: halved when it says RESOURCE_EXHAUSTED, lifted slowly afterwards."""

    def __init__(self, most_rows: int) -> None:
        self._most_rows = most_rows
        self._good_calls = 0
        self.rows = most_rows

    @property
    def lowered(self) -> bool:
        return self.rows < self._most_rows

    def exhausted(self, rows: int) -> None:
        """A call of so many rows was too much."""
        self.rows = max(1, min(self.rows, rows) // 2)
        self._good_calls = 0

    def done(self, rows: int) -> bool:
        """A call of so many rows ended well. True when the ceiling rose."""
        if rows < self.rows or not self.lowered:
            return False
        self._good_calls += 1
        if self._good_calls < CALLS_BEFORE_GROWTH:
            return False
        self._good_calls = 0
        self.rows = min(self._most_rows, self.rows + max(1, self.rows // 8))
        return True


def _last_that(fits: Callable[[int], bool], beyond: int) -> int:
    """The last number from 1 on that fits, where `beyond` does not; 1 where none does."""
    low = 1
    while beyond - low > 1:
        middle = (low + beyond) // 2
        low, beyond = (middle, beyond) if fits(middle) else (low, middle)
    return low
