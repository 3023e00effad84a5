"""The door of the queue: whether a request may enter, and when to come back if not.

Pure. Bounded in rows and in bytes, so that no burst can outgrow the memory set aside for waiting.
"""

from dataclasses import dataclass

from serving.errors import InvalidInput, Overloaded, PayloadTooLarge, PenstockError


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """The most that may wait at once, over all queues of a backend."""

    max_rows: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Load:
    """What waits now, and the time one row took lately, all slots together (0 while unknown)."""

    rows: int
    nbytes: int
    seconds_per_row: float

    @property
    def drain_seconds(self) -> float:
        return self.rows * self.seconds_per_row


def refusal(rows: int, nbytes: int, load: Load, limits: QueueLimits) -> PenstockError | None:
    """The error that a request of this size gets at the door, or None when it may enter."""
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
