"""How long the calls of one signature take, and with that where they run: short ones in the event loop's own thread.

Pure. Handing a call to a thread and its answer back costs some 130 us, three times what a small model takes; a long
call in the loop would hold everybody up.
"""

LOOP_SECONDS = 0.0005
"""The longest call that may hold the event loop up: about what reading a dozen requests takes."""
FORGETTING = 0.1
"""Weight of the newest call in the moving mean."""


class Pace:
    """Processor seconds of a call by its rows, in classes of powers of two; the calls of many threads add to it."""

    __slots__ = ("_means",)

    def __init__(self) -> None:
        self._means: dict[int, float] = {}

    def observe(self, rows: int, seconds: float) -> None:
        size = rows.bit_length()
        mean = self._means.get(size)
        self._means[size] = seconds if mean is None else mean + FORGETTING * (seconds - mean)

    def seconds(self, rows: int) -> float | None:
        """Of a call with so many rows; of the next larger class that is known, else of the largest, scaled up. None
        before the first call.
        """
        size = rows.bit_length()
        known = self._means.get(size)
        if known is not None or not self._means:
            return known
        larger = [each for each in self._means if each > size]
        if larger:
            return self._means[min(larger)]
        most: int = max(self._means)
        return self._means[most] * 2.0 ** (size - most)

    def fits_the_loop(self, rows: int) -> bool:
        seconds = self.seconds(rows)
        return seconds is not None and seconds <= LOOP_SECONDS
