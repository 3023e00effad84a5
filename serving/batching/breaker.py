"""Rule 12: a backend that is UNAVAILABLE is left alone for a while, then asked with one call.

Pure. One breaker per target. The first failure only makes a short pause, in which requests wait, for most such failures
are a connection that broke; from the second in a row on, whoever waits is told at once and the door is shut until the
next probe.
"""

from enum import StrEnum
from math import inf

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 5.0


class BreakerState(StrEnum):
    """`open`: nothing is sent. `half_open`: one call is under way, and whatever it says counts."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Whether calls may go, and when the next probe is due."""

    __slots__ = ("_failures", "closed", "probe_seconds", "state")

    def __init__(self) -> None:
        self._failures = 0
        self.state = BreakerState.CLOSED
        self.probe_seconds = 0.0
        self.closed = True

    @property
    def shut(self) -> bool:
        """Requests need not wait: not only one call failed, its probe did too."""
        return self.state is BreakerState.OPEN and self._failures > 1

    @property
    def ready_seconds(self) -> float:
        """From when on a call may go; never while a probe is under way."""
        if self.state is BreakerState.OPEN:
            return self.probe_seconds
        return -inf if self.closed else inf

    def sent(self) -> None:
        """A call goes out; while not closed it is the probe."""
        if not self.closed:
            self.state = BreakerState.HALF_OPEN

    def answered(self) -> None:
        """The backend is there, whatever it said."""
        self._failures = 0
        self.state, self.closed = BreakerState.CLOSED, True

    def unavailable(self, now: float) -> None:
        """Nobody answered. Calls that were under way when it opened say nothing new."""
        if self.state is BreakerState.OPEN:
            return
        pause = min(FIRST_PAUSE_SECONDS * 2.0**self._failures, LONGEST_PAUSE_SECONDS)
        self._failures += 1
        self.state, self.closed, self.probe_seconds = BreakerState.OPEN, False, now + pause

    def undecided(self) -> None:
        """The probe ended without a word of the backend's: the next one may go at once."""
        if self.state is BreakerState.HALF_OPEN:
            self.state = BreakerState.OPEN
