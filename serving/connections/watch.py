"""All connections of one server: how many there are, and a look at each about once a second.

No request has a timer. A look costs a connection a microsecond, and few are looked at in one go, so that thousands of
idle ones hold nobody up.
"""

import asyncio
import heapq
import logging
from collections import Counter
from typing import Protocol

from serving.connections.limits import MOST_TURNED_AWAY, ConnectionLimits
from serving.request_ids import RequestIds

AT_ONCE = 64
"""Connections looked at between two turns of the event loop: a tenth of a millisecond."""
MOST_ROOM = 256
"""Connections that a search for room finds at most: it looks at all of them."""
TOLD_SECONDS = 10.0
"""A line of the log at most this often, however many are closed."""
_log = logging.getLogger(__name__)


class Connection(Protocol):
    """What is watched."""

    address: str

    def look(self, now_seconds: float) -> None: ...

    def worth(self, now_seconds: float) -> tuple[int, float] | None:
        """What is given up first has the least; None: there is a request under way."""

    def give_up(self) -> None:
        """Close at once."""


class Watch:
    """Its clock goes by the event loop's, but never further in one look than two looks are apart: a process that was
    stopped does not take its own absence for its callers'.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self.request_ids = RequestIds()
        self.now_seconds = 0.0
        self.closed: Counter[str] = Counter()
        """By reason, since the start."""
        self._connections: set[Connection] = set()
        self._by_address: Counter[str] = Counter()
        self._room: list[Connection] = []
        self._searched_in_vain_seconds = -1.0
        self._looked_seconds = 0.0
        self._told_seconds = 0.0
        self._told: Counter[str] = Counter()
        self._next: asyncio.Handle | None = None

    def __len__(self) -> int:
        return len(self._connections)

    def admit(self, connection: Connection) -> bool:
        """Whether there is room for it, maybe another's: who has asked least lately goes. It is watched either way,
        until `leave`.
        """
        self._start()
        self._connections.add(connection)
        limits = self.limits
        if limits.max_connections_per_address:
            self._by_address[connection.address] += 1
            if self._by_address[connection.address] > limits.max_connections_per_address:
                return self._turn_away(connection, "too many of one address")
        if len(self._connections) <= limits.max_connections or self._make_room(connection):
            return True
        return self._turn_away(connection, "no room")

    def leave(self, connection: Connection) -> None:
        if connection not in self._connections:
            return
        self._connections.discard(connection)
        if self.limits.max_connections_per_address:
            self._by_address[connection.address] -= 1
            if not self._by_address[connection.address]:
                del self._by_address[connection.address]

    def pass_seconds(self, elapsed_seconds: float) -> None:
        """Look at all of them, so much later."""
        self._pass(elapsed_seconds)
        for connection in list(self._connections):
            connection.look(self.now_seconds)

    def _pass(self, elapsed_seconds: float) -> None:
        self.now_seconds += min(elapsed_seconds, 2 * self.limits.look_seconds)

    def _turn_away(self, connection: Connection, reason: str) -> bool:
        self.closed[reason] += 1
        if len(self._connections) > self.limits.max_connections + MOST_TURNED_AWAY:
            connection.give_up()
        return False

    def _make_room(self, newcomer: Connection) -> bool:
        if not self._room and self._searched_in_vain_seconds != self.now_seconds:
            self._search(newcomer)
        while self._room:
            connection = self._room.pop()
            if connection in self._connections and connection.worth(self.now_seconds) is not None:
                self.closed["gave way"] += 1
                connection.give_up()
                self.leave(connection)
                return True
        return False

    def _search(self, newcomer: Connection) -> None:
        """Those with least worth, the least of all last. One that finds nothing holds until the next look."""
        worths = ((connection.worth(self.now_seconds), connection) for connection in self._connections)
        found = [(worth, id(connection), connection) for worth, connection in worths if worth is not None]
        least = heapq.nsmallest(MOST_ROOM, found)
        self._room = [connection for _, _, connection in reversed(least) if connection is not newcomer]
        if not self._room:
            self._searched_in_vain_seconds = self.now_seconds

    def _start(self) -> None:
        if self._next is None:
            loop = asyncio.get_running_loop()
            self._looked_seconds = loop.time()
            self._next = loop.call_later(self.limits.look_seconds, self._look)

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        self._pass(now - self._looked_seconds)
        self._looked_seconds = now
        if now - self._told_seconds >= TOLD_SECONDS and self.closed != self._told:
            self._tell(now)
        self._some(list(self._connections))

    def _some(self, left: list[Connection]) -> None:
        """The last AT_ONCE of those left, and the others after the loop has served whoever asked meanwhile."""
        for connection in left[-AT_ONCE:]:
            try:
                connection.look(self.now_seconds)
            except Exception:  # noqa: BLE001 - one connection's fault must not end the watch over all
                _log.exception("a connection could not be looked at")
                connection.give_up()
        del left[-AT_ONCE:]
        loop = asyncio.get_running_loop()
        if left:
            self._next = loop.call_soon(self._some, left)
        elif self._connections:
            self._next = loop.call_later(self.limits.look_seconds, self._look)
        else:
            self._next = None

    def _tell(self, now_seconds: float) -> None:
        """What was closed on purpose, in sum: a line for each would be the caller's to order."""
        new = self.closed - self._told
        listed = ", ".join(f"{reason}: {count}" for reason, count in sorted(new.items()))
        _log.warning("connections refused or closed: %s", listed, extra={"event": "connections_closed"})
        self._told_seconds, self._told = now_seconds, self.closed.copy()
