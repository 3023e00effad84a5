"""Rule 6: who is left behind when a batch is put together. Window drop, never shrink to save the oldest.

Pure. A request that cannot finish even alone is dropped. One that could, but only in a batch smaller than what waits,
costs everybody behind it: under overload the window slides past it, else the batch is cut to what it can bear. At 1.3
times what a server can carry, cutting batches to save the oldest ends with a third of the answers that sliding gives.
"""

from collections.abc import Callable
from enum import Enum, auto

PATIENCE_SPENT = 0.5
"""A request older than this share of its patience is a sign of overload by itself."""
MEASURED_BATCHES = 8
"""Arrivals and departures are compared over this many times a full batch's seconds."""


class Verdict(Enum):
    """What becomes of a request that would be late in the batch as planned."""

    LATE_ANYHOW = auto()
    SLID_PAST = auto()
    CUT = auto()


def verdict(alone_seconds: float, left_seconds: float, *, overloaded: bool) -> Verdict:
    """`alone_seconds` is what the request would take by itself, `left_seconds` what it has."""
    if alone_seconds > left_seconds:
        return Verdict.LATE_ANYHOW
    return Verdict.SLID_PAST if overloaded else Verdict.CUT


def rows_in_time(left_seconds: float, most_rows: int, mean: Callable[[int], float]) -> int:
    """The largest batch within `most_rows` that ends in `left_seconds`; 0 where none does."""
    if mean(most_rows) <= left_seconds:
        return most_rows
    low, beyond = 0, most_rows
    while beyond - low > 1:
        middle = (low + beyond) // 2
        low, beyond = (middle, beyond) if mean(middle) <= left_seconds else (low, middle)
    return low


class Flux:
    """Rows that come and rows that go, compared now and then: more coming than going is overload."""

    __slots__ = ("_since_seconds", "arrived_rows", "is_rising", "sent_rows")

    def __init__(self, now: float) -> None:
        self._since_seconds = now
        self.arrived_rows = self.sent_rows = 0
        self.is_rising = False

    def measure(self, now: float, batch_seconds: float) -> None:
        elapsed = now - self._since_seconds
        if elapsed <= 0 or elapsed < MEASURED_BATCHES * batch_seconds:
            return
        self.is_rising = self.arrived_rows > self.sent_rows
        self._since_seconds = now
        self.arrived_rows = self.sent_rows = 0
