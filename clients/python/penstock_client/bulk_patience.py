"""A large batch gives way to a full gateway rather than up: what is refused for its load is asked again later.

Pure: the waits are steps, and chance is an argument. A request alone ends with its retries, since its caller waits. Of
a large batch only a few requests are ever under way, so that asking again cannot multiply the load, and giving up would
throw away what was answered.
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
"""Of waiting for one request's turn: a rush passes in that time, a gateway that is too small for its load does not."""


def patient(ask: Callable[[], Steps[Result]], retries: Retries, chance: Callable[[], float]) -> Steps[Result]:
    """The steps of `ask`, each time with a deadline of its own, until there is room.

    The n-th wait is drawn evenly from 0 to the retries' first doubled n-1 times, at most their longest, on top of what
    the gateway asked for. Raises the last refusal when PATIENCE_SECONDS would be over, and any other error at once.
    """
    waited_seconds, longest_seconds = 0.0, max(retries.first_wait_seconds, LEAST_CEILING_SECONDS)
    while True:
        try:
            return (yield from ask())
        except NO_ROOM as refusal:
            wait_seconds = (refusal.retry_after_seconds or 0.0) + longest_seconds * chance()
            waited_seconds += wait_seconds
            if waited_seconds > PATIENCE_SECONDS:
                raise
        yield Pause(wait_seconds)
        longest_seconds = min(2 * longest_seconds, max(retries.longest_wait_seconds, LEAST_CEILING_SECONDS))
