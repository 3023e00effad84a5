"""Who still needs a version: counts of holds, and a way to wait until there are none.

Belongs to one event loop; takes no locks.
"""

import asyncio
from collections.abc import Hashable


class Hold:
    """How many hold one key. Entering takes, leaving releases; any number may be in at once."""

    __slots__ = ("_count", "_free")

    def __init__(self) -> None:
        self._count = 0
        self._free = asyncio.Event()

    def __enter__(self) -> None:
        self._count += 1

    def __exit__(self, *_: object) -> None:
        self._count -= 1
        if not self._count:
            self._free.set()

    async def released(self) -> None:
        while self._count:
            self._free.clear()
            await self._free.wait()


class Holds:
    """One Hold per key; `released` returns once nobody holds it."""

    def __init__(self) -> None:
        self._holds: dict[Hashable, Hold] = {}

    def hold(self, key: Hashable) -> Hold:
        found = self._holds.get(key)
        if found is None:
            found = self._holds[key] = Hold()
        return found

    def take(self, key: Hashable) -> None:
        self.hold(key).__enter__()

    def release(self, key: Hashable) -> None:
        self.hold(key).__exit__()

    async def released(self, key: Hashable) -> None:
        """Wait until nobody holds `key`; the caller sees to it that nobody takes it anew. It is forgotten then."""
        await self.hold(key).released()
        self._holds.pop(key, None)
