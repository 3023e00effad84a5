"""Which replica gets the next call, which ones are left alone for a while, and how many calls may be repeated.

Pure: time is an argument. Ejection after failures in a row, with pauses that double, is Envoy's outlier detection
(envoyproxy.io, "Outlier detection"); the retry budget is Finagle's (twitter.github.io/finagle, "Retry Budget").
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar

EJECT_AFTER_FAILURES = 3
"""In a row. One or two may be the connection's fault; a replica that answers anything in between is not an outlier."""
FIRST_EJECTION_SECONDS, LONGEST_EJECTION_SECONDS = 1.0, 30.0
RETRIES_KEPT = 32.0
"""Retries that may be made at once: the batches under way when a replica dies, and then some."""


class Standing:
    """How one replica has done: calls under way, failures in a row, and until when it is left alone."""

    __slots__ = ("_ejected_until_seconds", "_ejections", "_failures", "in_flight", "picked")

    def __init__(self) -> None:
        self.in_flight = 0
        self.picked = 0
        """The number of the latest pick, so that equals take turns."""
        self._failures = 0
        self._ejections = 0
        self._ejected_until_seconds = 0.0

    def answered(self) -> None:
        self._failures = self._ejections = 0
        self._ejected_until_seconds = 0.0

    def failed(self, now: float) -> bool:
        """A call got no answer, or one that is none. Whether the replica is ejected for it."""
        self._failures += 1
        if self._failures < EJECT_AFTER_FAILURES or now < self._ejected_until_seconds:
            return False
        pause = min(LONGEST_EJECTION_SECONDS, FIRST_EJECTION_SECONDS * 2.0 ** min(self._ejections, 10))
        self._ejections += 1
        self._ejected_until_seconds = now + pause
        return True

    def takes_calls(self, now: float) -> bool:
        """Not while ejected; after that one call at a time, until one is answered."""
        if self._failures < EJECT_AFTER_FAILURES:
            return True
        return now >= self._ejected_until_seconds and not self.in_flight


class HasStanding(Protocol):
    @property
    def standing(self) -> Standing: ...


R = TypeVar("R", bound=HasStanding)


def pick(candidates: Iterable[R], now: float, number: int) -> R | None:
    """The one with the fewest calls under way; of equals the one that was picked longest ago.

    Where all are ejected the ejection means nothing, and all are asked: a model that is slow everywhere is better than
    none. `number` rises with every pick.
    """
    best = spare = None
    for candidate in candidates:
        standing = candidate.standing
        if standing.takes_calls(now):
            if best is None or _order(standing) < _order(best.standing):
                best = candidate
        elif spare is None or _order(standing) < _order(spare.standing):
            spare = candidate
    chosen = best or spare
    if chosen is not None:
        chosen.standing.picked = number
    return chosen


def _order(standing: Standing) -> tuple[int, int]:
    return standing.in_flight, standing.picked


class RetryBudget:
    """Calls that may be sent a second time: `fraction` of all calls, so that retries never double the load of a
    server that fails because of its load. 0: none.
    """

    __slots__ = ("_fraction", "_retries")

    def __init__(self, fraction: float) -> None:
        self._fraction = fraction
        self._retries = RETRIES_KEPT if fraction else 0.0

    def earn(self) -> None:
        self._retries = min(RETRIES_KEPT, self._retries + self._fraction)

    def spend(self) -> bool:
        """Whether a retry was left; it is spent then."""
        if self._retries < 1.0:
            return False
        self._retries -= 1.0
        return True
