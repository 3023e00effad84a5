"""One fault after the other, in a seeded order, while the load goes on: when each began and ended, and when the gateway
had recovered.
"""

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from tests.integration.chaos.asking import Asking
from tests.integration.chaos.faults.fault import Fault
from tests.integration.chaos.questions import Outcome

BOUND_TIMES = 10.0
"""A test waits so many times as long as is promised before it says that the gateway has not recovered."""
LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Window:
    """A fault's time, in seconds of the load; `recovered_seconds` after its end, None where it never did."""

    name: str
    began: float
    ended: float
    recovered_seconds: float | None
    promised_seconds: float
    harm: frozenset[Outcome]

    @property
    def until(self) -> float:
        """From here on no request may notice it."""
        return self.ended + (self.recovered_seconds or 0.0)


def schedule(faults: Sequence[Fault], rounds: int, chance: random.Random) -> list[Fault]:
    """Every fault once a round, in an order of its own."""
    return [fault for _ in range(rounds) for fault in chance.sample(list(faults), len(faults))]


def storm(asking: Asking, faults: Sequence[Fault], held_seconds: float) -> list[Window]:
    """Stops at the first fault from which the gateway does not recover."""
    windows: list[Window] = []
    recovery(asking, asking.now(), 60.0)  # a first second without a fault
    for fault in faults:
        windows.append(_befall(asking, fault, held_seconds))
        if windows[-1].recovered_seconds is None:
            break
    return windows


def _befall(asking: Asking, fault: Fault, held_seconds: float) -> Window:
    began = asking.now()
    try:
        fault.begin()
        if fault.lasts:
            threading.Event().wait(held_seconds)
    finally:
        fault.end()
    ended = asking.now()
    recovered = recovery(asking, ended, BOUND_TIMES * fault.recovers_seconds)
    return Window(fault.name, began, ended, recovered, fault.recovers_seconds, fault.harm)


def recovery(asking: Asking, since_seconds: float, within_seconds: float) -> float | None:
    """Waits for the first whole second, begun by then, in which all that was due is answered."""
    while asking.now() < since_seconds + within_seconds + 1.0:
        recovered = asking.account.recovered(since_seconds, asking.now())
        if recovered is not None:
            return recovered
        threading.Event().wait(LOOK_SECONDS)
    return None
