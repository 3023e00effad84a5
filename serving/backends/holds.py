"""Who still needs a version: counts of holds, and a way to wait until there are none.

Belongs to one event loop; takes no locks.
"""

import asyncio
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager


class Holds:
    """Counts per key; `released` returns once a key's count is zero."""

    def __init__(self) -> None:
        self._counts: Counter[Hashable] = Counter()
        self._waiting: dict[Hashable, asyncio.Event] = {}

    @contextmanager
    def hold(self, key: Hashable) -> Iterator[None]:
        self.take(key)
        try:
            yield
        finally:
            self.release(key)

    def take(self, key: Hashable) -> None:
        self._counts[key] += 1

    def release(self, key: Hashable) -> None:
        self._counts[key] -= 1
        if self._counts[key] == 0:
            del self._counts[key]
            if event := self._waiting.get(key):
                event.set()

    async def released(self, key: Hashable) -> None:
        """Wait until nobody holds `key`; the caller sees to it that nobody takes it anew."""
        while self._counts[key]:
            event = self._waiting.setdefault(key, asyncio.Event())
            event.clear()
            await event.wait()
        self._waiting.pop(key, None)
        del self._counts[key]
