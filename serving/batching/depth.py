"""Rule 4: how many batches are in flight at most (K), found by hill climbing on the mean latency per row.

Pure. One step at a time over windows of hundreds of batches, and only while K is what holds rows up: limiters made for
hundreds of requests in flight (gradients of the round trip) see nothing but noise at two or three.
"""

WINDOW_BATCHES = 200
SETTLE_BATCHES = 20
"""Left out after a step: batches of both depths are under way."""
GAIN = 0.95
"""A deeper pipeline must bring the mean latency under this share of the old one; a step back only not raise it."""
REST_WINDOWS = 10
"""Windows without a trial after a step that did not pay."""


class Depth:
    """K and the reason for it: between 1 and `most_slots`, or fixed where there is no such number."""

    def __init__(self, slots: int, most_slots: int | None) -> None:
        self.slots = slots
        self.reason = "as set" if most_slots in {None, 1} else "where the search starts"
        self._most_slots = most_slots or 1
        self._direction = 1
        self._before: tuple[int, float] | None = None
        self._rest_windows = 0
        self._open_window(0)

    def _open_window(self, settle_batches: int) -> None:
        self._settle_batches = settle_batches
        self._batches = self._held_up = self._rows = 0
        self._latency_seconds = 0.0

    def batch_done(self, latency_seconds: float, rows: int, *, held_up: bool) -> bool:
        """A batch ended; its members' latencies sum to `latency_seconds`, weighted by rows. `held_up`: rows waited for
        its slot. True when K changed.
        """
        if self._most_slots == 1:
            return False  # nothing to find
        if self._settle_batches:
            self._settle_batches -= 1
            return False
        self._batches += 1
        self._held_up += held_up
        self._rows += rows
        self._latency_seconds += latency_seconds
        if self._batches < WINDOW_BATCHES or not self._rows:
            return False
        mean, is_bottleneck, slots = self._latency_seconds / self._rows, 2 * self._held_up >= self._batches, self.slots
        if is_bottleneck:
            self._step(mean)
        elif self._before is None:
            self.reason = "not what holds rows up"
        else:  # the load went down in the middle of a trial: it says nothing
            self._before, self._rest_windows = None, REST_WINDOWS
        self._open_window(SETTLE_BATCHES if slots != self.slots else 0)
        return slots != self.slots

    def _step(self, mean: float) -> None:
        if self._rest_windows:
            self._rest_windows -= 1
        elif self._before is None:
            self._try(mean)
        else:
            slots, before = self._before
            if mean < (GAIN if self.slots > slots else 1.0) * before:
                self.reason = f"{before * 1e3:.3g} ms a row at {slots}, {mean * 1e3:.3g} ms at {self.slots}"
                self._before = None
                self._try(mean)
            else:
                self.reason = f"{before * 1e3:.3g} ms a row here, {mean * 1e3:.3g} ms at {self.slots}"
                self._before, self.slots, self._direction = None, slots, -self._direction
                self._rest_windows = REST_WINDOWS

    def _try(self, mean: float) -> None:
        """One step on, if there is room that way."""
        target = self.slots + self._direction
        if 1 <= target <= self._most_slots:
            self._before, self.slots = (self.slots, mean), target
        else:
            self._direction, self._rest_windows = -self._direction, REST_WINDOWS
