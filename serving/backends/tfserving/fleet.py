"""All replicas: which addresses there are now, a connection to each, and somebody who looks at each.

Belongs to one event loop.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

from serving.backends.tfserving.channels import Endpoint, Transport, resolve
from serving.backends.tfserving.connection import Connection

FIRST_LOOK_SECONDS = 5.0
"""At the start the connection has to be made first, which a refused one ends at once."""
LEAVE_SECONDS = 30.0
"""What calls under way get when their replica's address has left the name."""
_log = logging.getLogger(__name__)


class Fleet:
    """`names` are the models to ask for; `changed` is awaited after every look and loss. `transport` is how connections
    are opened from now on.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        transport: Transport,
        *,
        names: Callable[[], Sequence[str]],
        changed: Callable[[], Awaitable[None]],
        poll_seconds: float,
    ) -> None:
        self._addresses = addresses
        self.transport = transport
        self._names = names
        self._changed = changed
        self._poll_seconds = poll_seconds
        self._resolved: dict[str, tuple[Endpoint, ...]] = {}
        self._members: dict[Endpoint, tuple[Connection, list[asyncio.Task[None]]]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self.connections: tuple[Connection, ...] = ()

    async def start(self) -> None:
        """Returns when every replica has answered once, or has not."""
        looks = [connection.look(self._names(), FIRST_LOOK_SECONDS) for connection in await self._join_and_leave()]
        await asyncio.gather(*looks)
        await self._changed()
        for connection, tasks in self._members.values():
            tasks.append(asyncio.create_task(self._watch(connection)))

    async def refresh(self) -> None:
        """Look the names up again: replicas come and go."""
        for connection in await self._join_and_leave():
            self._members[connection.endpoint][1].append(asyncio.create_task(self._watch(connection)))

    async def renew(self) -> None:
        """Connections that were opened otherwise than `transport` says are made anew. One that works is kept until its
        successor does, so that a server may take its new certificate before or after this gateway.
        """
        old = [connection for connection in self.connections if connection.transport is not self.transport]
        await asyncio.gather(*map(self._replace, old))
        if old:
            await self._changed()

    async def _replace(self, old: Connection) -> None:
        new = Connection(old.endpoint, self.transport)
        await new.look(self._names())
        if old.up and not new.up:
            await new.close()
            return
        self._leave(old.endpoint, LEAVE_SECONDS)
        tasks = [asyncio.create_task(new.follow(self._changed)), asyncio.create_task(self._watch(new))]
        self._members[new.endpoint] = (new, tasks)
        self.connections = tuple(connection for connection, _ in self._members.values())

    async def close(self) -> None:
        for endpoint in list(self._members):
            self._leave(endpoint, 0.0)
        await asyncio.gather(*self._leaving, return_exceptions=True)

    async def _join_and_leave(self) -> list[Connection]:
        """Those who are new; they are followed and not yet looked at."""
        for address in self._addresses:
            try:
                self._resolved[address] = await resolve(address)
            except OSError as error:
                _log.warning("%s cannot be resolved (%s); what it meant before still holds", address, error)
        wanted = {endpoint for endpoints in self._resolved.values() for endpoint in endpoints}
        for endpoint in self._members.keys() - wanted:
            _log.info("the model server %s has left", endpoint.address)
            self._leave(endpoint, LEAVE_SECONDS)
        new = [Connection(endpoint, self.transport) for endpoint in sorted(wanted - self._members.keys(), key=str)]
        for connection in new:
            following = asyncio.create_task(connection.follow(self._changed))
            self._members[connection.endpoint] = (connection, [following])
        self.connections = tuple(connection for connection, _ in self._members.values())
        return new

    def _leave(self, endpoint: Endpoint, grace_seconds: float) -> None:
        connection, tasks = self._members.pop(endpoint)
        leaving = asyncio.create_task(_end(connection, tasks, grace_seconds))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    async def _watch(self, connection: Connection) -> None:
        while True:
            try:
                await connection.look(self._names())
                await self._changed()
            except Exception:  # noqa: BLE001 - the outermost loop: whatever one look met, the next is a second away
                _log.exception("looking at the model server %s failed", connection.endpoint.address)
            await connection.due(self._poll_seconds)


async def _end(connection: Connection, tasks: Sequence[asyncio.Task[None]], grace_seconds: float) -> None:
    for task in tasks:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks, return_exceptions=True)
    await connection.close(grace_seconds)
