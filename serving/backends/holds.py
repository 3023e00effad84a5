"""Who still needs a version: counts of holds, and a way to wait until there are none.

Belongs to one event loop; takes no locks.
"""

import asyncio
from collections import Counter
from collections.abc import Hashable


class Holds:
    """Counts per key; `released` returns once a key's count is zero."""

    def __init__(self) -> None:
        self._counts: Counter[Hashable] = Counter()
        self._waiting: dict[Hashable, asyncio.Event] = {}

    def hold(self, key: Hashable) -> "Hold":
        return Hold(self, key)

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


class Hold:
    """Takes and releases one key; made once and entered by every request, many at a time."""

    __slots__ = ("_holds", "_key")

    def __init__(self, holds: Holds, key: Hashable) -> None:
        self._holds, self._key = holds, key

    def __enter__(self) -> None:
        self._holds.take(self._key)

    def __exit__(self, *_: object) -> None:
        self._holds.release(self._key)
