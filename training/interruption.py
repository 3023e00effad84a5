"""Ctrl-C while fitting: the first ends the fit and keeps what it has learned, the second ends the process.

Before there is anything worth keeping the first ends the process too. A search ends at the first: it can go on later.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Interruption:
    """`asked`: somebody wants the fit to end. `worth_keeping`, which the fit sets, is that an epoch has ended."""

    asked: bool = False
    worth_keeping: bool = False


@contextmanager
def deferred_interrupt() -> Iterator[Interruption]:
    """Within, Ctrl-C sets `asked` instead of raising KeyboardInterrupt, once, and only once there is something to keep.

    A handler that somebody else has installed stays, and so does a thread's: signals reach the main thread alone.
    """
    interruption = Interruption()
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield interruption
        return

    def handle(_number: int, _frame: object) -> None:
        if interruption.asked or not interruption.worth_keeping:
            raise KeyboardInterrupt
        interruption.asked = True

    signal.signal(signal.SIGINT, handle)
    try:
        yield interruption
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(slots=True)
class SearchInterruption:
    """Ctrl-C ends a search, not just the fit that runs.

    `asked` stays set, to be checked: a KeyboardInterrupt that falls into a destructor is lost, and between two trials
    thousands of objects are destroyed.
    """

    asked: bool = False

    def handle(self, _number: int, _frame: object) -> None:
        self.asked = True
        raise KeyboardInterrupt

    def check(self) -> None:
        if self.asked:
            raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[SearchInterruption]:
    """Within, Ctrl-C is KeyboardInterrupt and on record."""
    interruption = SearchInterruption()
    before = signal.signal(signal.SIGINT, interruption.handle)
    try:
        yield interruption
    finally:
        signal.signal(signal.SIGINT, before)
