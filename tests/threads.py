"""A process in which no thread can be made, as at its limit of them: what a test may do to its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

IMPOSSIBLE_BYTES = 1 << 50
"""Of a stack: more addresses than there are, so that the system refuses the thread whoever asks."""


@contextmanager
def no_more_threads() -> Iterator[None]:
    before = threading.stack_size(IMPOSSIBLE_BYTES)
    try:
        yield
    finally:
        threading.stack_size(before)
