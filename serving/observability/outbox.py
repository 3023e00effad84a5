"""A bounded queue with a thread behind it: what the event loop hands over costs it one append, whatever becomes of it.

Whoever offers more than the thread gets rid of loses it, and it is counted: a slow disk or collector never slows a
request. The thread looks ten times a second instead of being woken, since waking it would cost each request a system
call, and works in slices, giving the interpreter back after each.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

LOOK_SECONDS = 0.1
SLICE_ITEMS = 32
"""At 5 to 20 us an item, under a millisecond until the event loop may go on."""
CLOSE_SECONDS = 5.0
"""How long a stop waits for the thread: a collector that hangs must not hold up a pod."""
Item = TypeVar("Item")
_log = logging.getLogger(__name__)


class Outbox(Generic[Item]):
    """`write` is called in the thread with at most `slice_items` items at a time; what it raises costs that slice.

    `idle` is called after every look and at the end, whatever came: for what is done by time. `most_bytes` bounds what
    `offer` says that its items weigh.
    """

    def __init__(
        self,
        name: str,
        write: Callable[[Sequence[Item]], None],
        *,
        most_items: int,
        most_bytes: int = 0,
        slice_items: int = SLICE_ITEMS,
        idle: Callable[[], None] | None = None,
    ) -> None:
        self.name, self._write, self._idle = name, write, idle
        self._most_items, self._most_bytes, self._slice_items = most_items, most_bytes, slice_items
        self._items: deque[tuple[Item, int]] = deque()
        self._refused = self._lost = self._bytes_in = self._bytes_out = 0  # each is added to by one thread alone
        self._failing = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"penstock-{name}", daemon=True)

    @property
    def dropped(self) -> int:
        """Items that found no room, and those of slices that could not be written."""
        return self._refused + self._lost

    @property
    def is_closing(self) -> bool:
        """Whether this is the last look."""
        return self._closing.is_set()

    def offer(self, item: Item, nbytes: int = 0) -> None:
        """For one thread, the event loop's."""
        if len(self._items) >= self._most_items or (nbytes and self._is_heavy(nbytes)):
            self._refused += 1
            return
        self._items.append((item, nbytes))

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Returns when everything offered is written, or after CLOSE_SECONDS. Blocks: not for the event loop."""
        if self._thread.ident is None:
            return
        self._closing.set()
        self._thread.join(CLOSE_SECONDS)

    def _is_heavy(self, nbytes: int) -> bool:
        if self._bytes_in - self._bytes_out + nbytes > self._most_bytes:
            return True
        self._bytes_in += nbytes
        return False

    def _run(self) -> None:
        while not self._closing.wait(LOOK_SECONDS):
            self._drain()
        self._drain()

    def _drain(self) -> None:
        while self._items:
            count = min(self._slice_items, len(self._items))
            taken = [self._items.popleft() for _ in range(count)]
            self._guarded(lambda taken=taken: self._write([item for item, _ in taken]), count)  # type: ignore[misc]
            self._bytes_out += sum(nbytes for _, nbytes in taken)
            time.sleep(0)
        if self._idle is not None:
            self._guarded(self._idle, 0)

    def _guarded(self, work: Callable[[], None], items: int) -> None:
        """One line when it begins to fail, and none for each failure after it."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - the outermost loop of a thread that must outlive any disk
            self._lost += items
            if not self._failing:
                _log.warning("%s cannot be written, and is dropped: %s", self.name, error)
            self._failing = True
        else:
            self._failing = self._failing and not items
