"""Waiting for what comes by itself: a version to be loaded, a label to be followed."""

import time
from collections.abc import Callable


class Patience:
    """Waits for what comes by itself: looks anew every `pause_seconds`, `bound_seconds` at most."""

    def __init__(
        self,
        bound_seconds: float,
        *,
        pause_seconds: float = 0.05,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.bound_seconds = bound_seconds
        self.clock = clock
        self._pause_seconds = pause_seconds
        self._sleep = sleep

    def until(self, look: Callable[[], bool], *, times: int = 1) -> bool:
        """Whether `look` was true, `times` in a row, before the bound."""
        deadline, in_a_row = self.clock() + self.bound_seconds, 0
        while in_a_row < times:
            if look():
                in_a_row += 1
                continue
            in_a_row = 0
            if self.clock() >= deadline:
                return False
            self._sleep(self._pause_seconds)
        return True
