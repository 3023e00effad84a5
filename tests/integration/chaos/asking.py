"""The open-loop load of a storm, in a thread of its own, whose every answer is checked and booked."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvloop

from loadtests.arrivals import Phase, Seconds, poisson_arrivals
from loadtests.http_connection import HttpOpener, http_target
from loadtests.open_loop import Load, run_load
from loadtests.wire import Connection, Listener
from tests.integration.chaos.account import Account
from tests.integration.chaos.questions import DEADLINE_SECONDS, QUESTIONS

CONNECTIONS = 32
GRACE_SECONDS = 10.0
"""Beyond a request's deadline: without an end by then it is lost."""
LONGEST_SECONDS = 3600.0
JOIN_SECONDS = 60.0


class Bookkeeper:
    """Passes on to the generator what its connections say, and books those that broke."""

    def __init__(self, listener: Listener, asking: "Asking") -> None:
        self._listener, self._asking = listener, asking

    def answered(self, connection: Connection, number: int, status: int, *, stays: bool) -> None:
        self._listener.answered(connection, number, status, stays=stays)

    def lost(self, connection: Connection, number: int | None, reason: str) -> None:
        if number is not None:
            self._asking.account.broke(number, reason, self._asking.now())
        self._listener.lost(connection, number, reason)


@dataclass
class BookedOpener:
    asking: "Asking"
    opener: HttpOpener

    async def open(self, listener: Listener) -> Connection:
        return await self.opener.open(Bookkeeper(listener, self.asking))

    async def close(self) -> None:
        await self.opener.close()


@dataclass
class Asking:
    """A load on its way; moments are seconds from its start."""

    url: str
    account: Account
    _began: float = 0.0
    _loop: asyncio.AbstractEventLoop | None = None
    _enough: asyncio.Event = field(default_factory=asyncio.Event)
    _under_way: threading.Event = field(default_factory=threading.Event)

    def now(self) -> float:
        return time.perf_counter() - self._began

    def run(self, due: Seconds) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._run(due))

    async def _run(self, due: Seconds) -> None:
        def heard(number: int, received: bytes) -> None:
            self.account.heard(number, received, self.now())

        def started() -> float:
            self._began = time.perf_counter()
            self._under_way.set()
            return self._began

        self._loop = asyncio.get_running_loop()
        opener = BookedOpener(self, HttpOpener(*http_target(self.url), heard))
        load = Load(QUESTIONS, due, CONNECTIONS, DEADLINE_SECONDS + GRACE_SECONDS)
        found = await run_load(opener, load, started=started, enough=self._enough)
        self.account.due = found.due

    def wait_until_under_way(self) -> None:
        assert self._under_way.wait(JOIN_SECONDS), "the load has not begun"

    def stop(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._enough.set)


@contextmanager
def asked(url: str, rate_per_second: float, seed: int) -> Iterator[Asking]:
    """A load on the gateway while the block lasts; when it is over, every request has had its time."""
    due = poisson_arrivals([Phase(rate_per_second, LONGEST_SECONDS)], seed)
    asking = Asking(url, Account(due))
    thread = threading.Thread(target=asking.run, args=(due,), daemon=True)
    thread.start()
    try:
        asking.wait_until_under_way()
        yield asking
    finally:
        asking.stop()
        thread.join(JOIN_SECONDS)
    assert not thread.is_alive(), "the load does not end"
