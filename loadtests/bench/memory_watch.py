"""Reads a server's memory while something else goes on."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from loadtests.bench.processes import resident_megabytes

EVERY_SECONDS = 0.25


@dataclass(slots=True)
class MemoryWatch:
    """`readings` in megabytes, with moments of `time.perf_counter`."""

    readings: list[tuple[float, float]] = field(default_factory=list)


@contextmanager
def watched_memory(pid: int) -> Iterator[MemoryWatch]:
    """Until the block ends, or the process does."""
    watch, over = MemoryWatch(), threading.Event()

    def look() -> None:
        while not over.is_set():
            try:
                watch.readings.append((time.perf_counter(), resident_megabytes(pid)))
            except OSError:
                return
            over.wait(EVERY_SECONDS)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()
