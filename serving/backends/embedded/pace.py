"""How long the calls of one signature take, and with that where they run: short ones in the event loop's own thread.

Pure. Handing a call to a thread and its answer back costs some 130 us, three times what a small model takes; a long
call in the loop would hold everybody up.
"""

LOOP_SECONDS = 0.0005
"""The longest call that may hold the event loop up: about what reading a dozen requests takes."""
WINDOW_CALLS = 32


class Pace:
    """Seconds of a call by its rows, in classes of powers of two: the least of the last calls, for what took longer
    waited, for Python's lock or for a core. Many threads may add to it.
    """

    __slots__ = ("_least", "_windows")

    def __init__(self) -> None:
        self._least: dict[int, float] = {}
        self._windows: dict[int, list[float]] = {}

    def observe(self, rows: int, seconds: float) -> None:
        size = rows.bit_length()
        if seconds < self._least.get(size, float("inf")):
            self._least[size] = seconds
        window = self._windows.setdefault(size, [])
        window.append(seconds)
        if len(window) >= WINDOW_CALLS:
            self._least[size] = min(window)
            window.clear()

    def seconds(self, rows: int) -> float | None:
        """Of a call with so many rows, at most: no longer than a larger one, nor than as many smaller ones. So a class
        that was only seen while calls waited is judged by the others. None before the first call.
        """
        size = rows.bit_length()
        bounds = [least * 2.0 ** max(0, size - known) for known, least in self._least.items()]
        return min(bounds, default=None)

    def fits_the_loop(self, rows: int) -> bool:
        seconds = self.seconds(rows)
        return seconds is not None and seconds <= LOOP_SECONDS
