"""A large batch gives way to a full gateway rather than up: what is refused for its load is asked again later.

Pure: the waits are steps, time and chance are arguments. A request alone ends with its retries, since its caller waits.
Of a large batch only a few requests are ever under way, so that asking again cannot multiply the load, and giving up
would throw away what was answered.
"""

from collections.abc import Callable

from penstock_client.errors import BackendOverloaded, Overloaded, QuotaExceeded
from penstock_client.messages import Result
from penstock_client.retrying import Retries
from penstock_client.steps import Pause, Steps

NO_ROOM = (Overloaded, QuotaExceeded, BackendOverloaded)
LEAST_CEILING_SECONDS = 0.01
"""Of a wait, where the retries say less: without any wait a full gateway would be asked in a tight loop, for ever."""
PATIENCE_SECONDS = 60.0
"""From the first asking to the last: a rush passes in that time, a gateway that is too small for its load does not."""


def patient(
    ask: Callable[[], Steps[Result]], retries: Retries, *, chance: Callable[[], float], now: Callable[[], float]
) -> Steps[Result]:
    """The steps of `ask`, each time with a deadline of its own, until there is room.

    The n-th wait is drawn evenly from 0 to the retries' first doubled n-1 times, at most their longest, on top of what
    the gateway asked for. Raises the last refusal when PATIENCE_SECONDS would be over, and any other error at once.
    """
    ends_at, longest_seconds = now() + PATIENCE_SECONDS, max(retries.first_wait_seconds, LEAST_CEILING_SECONDS)
    while True:
        try:
            return (yield from ask())
        except NO_ROOM as refusal:
            wait_seconds = (refusal.retry_after_seconds or 0.0) + longest_seconds * chance()
            if now() + wait_seconds > ends_at:
                raise
        yield Pause(wait_seconds)
        longest_seconds = min(2 * longest_seconds, max(retries.longest_wait_seconds, LEAST_CEILING_SECONDS))
