"""Trying again while a store is away: for what must not be done anew only because the last step found nobody there."""

import argparse
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from serving.errors import StoreUnavailable
from serving.model_store.object_store.plan import backoff_seconds

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one step is tried again, from its first failure on (0: not at all). A second is waited, then two, four,
    up to a minute, half of each by chance; `say` hears of each wait. The step must be safe to repeat, as a push's are.
    """

    timeout_seconds: float
    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep
    chance: random.Random = field(default_factory=random.Random)

    def until_there(self, step: Callable[[], Done]) -> Done:
        """What `step` returns. Raises its StoreUnavailable once the time is over; other errors at once."""
        failures, give_up_at = 0, 0.0
        while True:
            try:
                return step()
            except StoreUnavailable as error:
                failures += 1
                now = self.clock()
                give_up_at = now + self.timeout_seconds if failures == 1 else give_up_at
                if now >= give_up_at:
                    raise
                seconds = min(backoff_seconds(failures, self.chance.random()), give_up_at - now)
                self.say(f"{error}; trying again in {seconds:.1f} s")
                self.wait(seconds)


AT_ONCE = Patience(0.0, lambda _: None)
"""None at all."""


def seconds_argument(text: str) -> float:
    """A time from a command line. Raises ArgumentTypeError for what is none."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time in seconds, 0 or more")
    return seconds
