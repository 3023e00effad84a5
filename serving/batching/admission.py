"""The door of the queue (rule 5): whether a request may enter, and when to come back if not.

Pure. Bounded in rows and in bytes, so that no burst can outgrow the memory set aside for waiting; and by time: who
would be late by a careful prediction is told so at once, for a hopeful one collapses under load.
"""

from dataclasses import dataclass

from serving.errors import InvalidInput, Overloaded, PayloadTooLarge, PenstockError

MARGIN = 1.1
"""Predictions of the time a call takes are raised by a tenth."""
TRUSTED_SECONDS = 1.0
"""A prediction that no call has borne out for so long is tried again with one request, or a wrong one would shut the
door for good."""


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """The most that may wait at once, over all queues of a backend."""

    max_rows: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Load:
    """What waits now, and how long the backend needs for it by what is known (0 while nothing is)."""

    rows: int
    nbytes: int
    drain_seconds: float


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a queue moves, worked out once per change of what is known: a full batch's rows, its time with the
    margin (0 while nothing is known), and what one's own batch stays under: that, or the p95 of calls that vary more.
    """

    batch_rows: int
    batch_seconds: float
    own_seconds: float
    slots: int

    @property
    def interval_seconds(self) -> float:
        return self.batch_seconds / self.slots

    def finish_seconds(self, start_seconds: float, rows_ahead: int, rows: int) -> float:
        """When `rows` behind `rows_ahead` are answered, counted from the next free slot on, every batch being full:
        start + floor(q/B) * S(B) / K + S_p95(B), and as many batches more as the rows themselves fill.
        """
        batches = (rows_ahead + max(0, rows - self.batch_rows)) // self.batch_rows
        return start_seconds + batches * self.interval_seconds + self.own_seconds


def refusal(rows: int, nbytes: int, load: Load, limits: QueueLimits) -> PenstockError | None:
    """The error that a request of this size gets at the door, or None when there is room."""
    if rows < 1:
        return InvalidInput("no rows; at least one is expected")
    if rows > limits.max_rows:
        return PayloadTooLarge(f"{rows} rows; at most {limits.max_rows} are queued. Send them in several requests")
    if nbytes > limits.max_bytes:
        return PayloadTooLarge(
            f"{nbytes} bytes of tensors; at most {limits.max_bytes} are queued. Send the rows in several requests"
        )
    if load.rows + rows > limits.max_rows or load.nbytes + nbytes > limits.max_bytes:
        return Overloaded(
            f"the queue is full ({load.rows} rows wait); try again later", retry_after_seconds=load.drain_seconds
        )
    return None


def too_late(finish_seconds: float, deadline_seconds: float, load: Load, now: float) -> Overloaded:
    """What a request hears that would be answered after its deadline."""
    return Overloaded(
        f"{load.rows} rows wait: the answer would take {finish_seconds - now:.3g} s, "
        f"the deadline is in {deadline_seconds - now:.3g} s",
        retry_after_seconds=load.drain_seconds,
    )


def rows_ahead(queued_rows: int, flows: int, own_rows: int) -> int:
    """Rows served before one's own last row where `flows` tenants take turns: never more than all of them."""
    return min(queued_rows, flows * own_rows)
