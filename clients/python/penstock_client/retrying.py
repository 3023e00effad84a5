"""Whether a failed request is sent again, and after how long. Pure: time and chance are arguments."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from penstock_client import errors

When: TypeAlias = Literal["always", "when told how long"]

WORTH_ASKING_AGAIN: Mapping[type[errors.PenstockError], When] = MappingProxyType(
    {
        errors.ConnectionFailed: "always",
        errors.Overloaded: "always",
        errors.ModelNotReady: "always",
        errors.BackendUnavailable: "always",
        errors.BackendOverloaded: "always",
        errors.QuotaExceeded: "when told how long",
    }
)
"""The errors that time may mend. Every call of the client may be repeated, predictions too: asking changes nothing, so
a connection that broke after the request was sent is no reason to give up."""

MOST_DOUBLINGS = 60
"""Far beyond any longest wait, and within what a float can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often a request is sent again, and how long before.

    The n-th wait is drawn evenly from 0 to `first_wait_seconds` doubled n-1 times, at most `longest_wait_seconds`
    (full jitter: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015), on top of what the
    gateway asked for by Retry-After. `attempts` counts the first one. No wait goes beyond the call's deadline: the
    error is raised at once then.

    The client's budget keeps retries from multiplying the load of a gateway in trouble. Each request adds
    `budget_per_request`, each second `budget_per_second`, up to `budget_most`; each retry, and each hedge, takes 1
    (Finagle's RetryBudget; the throttling of gRPC's proposal A6).
    """

    attempts: int = 4
    first_wait_seconds: float = 0.1
    longest_wait_seconds: float = 2.0
    budget_per_request: float = 0.1
    budget_per_second: float = 1.0
    budget_most: float = 10.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"attempts is {self.attempts}; it counts the first one, so it is at least 1")
        if not 0 <= self.first_wait_seconds <= self.longest_wait_seconds:
            raise ValueError(
                f"first_wait_seconds is {self.first_wait_seconds} and longest_wait_seconds "
                f"{self.longest_wait_seconds}; the first is at least 0 and at most the longest"
            )
        if min(self.budget_per_request, self.budget_per_second, self.budget_most) < 0:
            raise ValueError("the budget's figures are at least 0")


def wait_before_retry(
    error: errors.PenstockError, retries: Retries, *, attempt: int, remaining_seconds: float, chance: float
) -> float | None:
    """Seconds to wait after the `attempt`-th failed, None to give up; `chance` is drawn evenly from 0 to 1."""
    when = WORTH_ASKING_AGAIN.get(type(error))
    told = error.retry_after_seconds
    if when is None or attempt >= retries.attempts or (when == "when told how long" and told is None):
        return None
    ceiling = min(retries.longest_wait_seconds, retries.first_wait_seconds * 2.0 ** min(attempt - 1, MOST_DOUBLINGS))
    wait = (told or 0.0) + chance * ceiling
    return wait if wait < remaining_seconds else None


class RetryBudget:
    """What a client may still spend on retries and hedges; full at the beginning.

    Threads may share one: where two meet, at worst one's deposit is lost.
    """

    def __init__(self, retries: Retries, now: float) -> None:
        self._retries = retries
        self._balance = retries.budget_most
        self._at = now

    def deposit(self) -> None:
        """For a request that is sent for the first time."""
        self._balance = min(self._retries.budget_most, self._balance + self._retries.budget_per_request)

    def withdraw(self, now: float) -> bool:
        """Whether one more may be sent; if so it is paid for."""
        gained = (now - self._at) * self._retries.budget_per_second
        self._at = now
        self._balance = min(self._retries.budget_most, self._balance + gained)
        if self._balance < 1:
            return False
        self._balance -= 1
        return True
