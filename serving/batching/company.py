"""Waiting for those who are coming in: the one exception from sending whatever there is as soon as a slot is free.

Pure. A server that hands over one request per turn of the event loop, and needs some turns for each, as grpc.aio does,
would have every batch hold one row, for a batch leaves at the end of the turn that brought its first row. So its
requests say that more may follow, and a batch that has one of them waits for the turns in which the next would come.
"""

QUIET_TURNS = 5
"""Turns without anybody coming after which nobody is expected: grpc.aio brings the next call in four."""
LONGEST_SECONDS = 0.005
"""However many come. In that time some eighteen calls of grpc.aio do."""
ENOUGH_ROWS = 32
"""A batch of so many does not wait: the next rows cost it nearly as much as they would cost a batch of their own."""


class Company:
    """Whether a batch waits. Its caller asks once a turn, and sends the batch when told no."""

    __slots__ = ("_since_seconds", "_turns")

    def __init__(self) -> None:
        self._turns = 0
        self._since_seconds: float | None = None

    def came(self) -> None:
        """A request came in that others may follow."""
        self._turns = QUIET_TURNS

    def is_worth_a_turn(self, waiting_rows: int, next_deadline_seconds: float | None, now: float) -> bool:
        """Never for more than LONGEST_SECONDS, nor where a deadline is as near as twice that."""
        since = now if self._since_seconds is None else self._since_seconds
        near = next_deadline_seconds is not None and next_deadline_seconds - since < 2 * LONGEST_SECONDS
        if self._turns and 0 < waiting_rows < ENOUGH_ROWS and now - since < LONGEST_SECONDS and not near:
            self._turns -= 1
            self._since_seconds = since
            return True
        self._turns, self._since_seconds = 0, None
        return False
