"""The open-loop load of a storm, in a thread of its own, whose every answer is checked and booked."""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import uvloop
from numpy.typing import NDArray

from loadtests.arrivals import Phase, poisson_arrivals
from loadtests.http_connection import HttpOpener, http_target
from loadtests.open_loop import Load, run_load
from loadtests.wire import Connection, Listener, Opener, WireRequest
from tests.integration.chaos.account import Account, Ended
from tests.integration.chaos.calling import CallOpener
from tests.integration.chaos.calls import Manner, Said, manners, reason_of
from tests.integration.chaos.questions import DEADLINE_SECONDS, QUESTIONS, Outcome, Protocol, judged, reason
from tests.processes import GatewayProcess

CONNECTIONS, PLACES = 32, 8
"""Of REST, and for the calls of each service over gRPC."""
SHARES: Mapping[Protocol, float] = {Protocol.REST: 4 / 6, Protocol.OIP: 1 / 6, Protocol.TFS: 1 / 6}
"""Of the requests; over which protocol each goes is drawn by the seed."""
GRACE_SECONDS = 10.0
"""Beyond a request's deadline: without an end by then it is lost."""
LONGEST_SECONDS = 3600.0
JOIN_SECONDS = 60.0


class Bookkeeper:
    """Passes on to the generator what its connections say, and books those that broke."""

    def __init__(self, listener: Listener, share: "Share") -> None:
        self._listener, self._share = listener, share

    def answered(self, connection: Connection, number: int, status: int, *, stays: bool) -> None:
        self._listener.answered(connection, number, status, stays=stays)

    def lost(self, connection: Connection, number: int | None, reason: str) -> None:
        if number is not None:
            self._share.end(number, Outcome.FAILED, reason)
        self._listener.lost(connection, number, reason)


@dataclass
class BookedOpener:
    share: "Share"
    opener: Opener

    async def open(self, listener: Listener) -> Connection:
        return await self.opener.open(Bookkeeper(listener, self.share))

    async def close(self) -> None:
        await self.opener.close()


@dataclass(frozen=True)
class Share:
    """The requests over one protocol, which its generator counts from 0; `numbers` are theirs in the account."""

    asking: "Asking"
    numbers: NDArray[np.intp]

    def end(self, number: int, outcome: Outcome, what: str) -> None:
        self.asking.account.end(int(self.numbers[number]), Ended(outcome, self.asking.now(), what))

    def heard(self, number: int, received: bytes) -> None:
        self.end(number, judged(number, received), reason(received))


@dataclass
class Asking:
    """A load on its way; moments are seconds from its start."""

    gateway: GatewayProcess
    account: Account
    _began: float = 0.0
    _loop: asyncio.AbstractEventLoop | None = None
    _enough: asyncio.Event = field(default_factory=asyncio.Event)
    _under_way: threading.Event = field(default_factory=threading.Event)

    def now(self) -> float:
        return time.perf_counter() - self._began

    def run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._run())

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        asked = np.zeros(len(self.account.due), np.bool_)
        shares = {protocol: Share(self, self.account.numbers_of(protocol)) for protocol in Protocol}
        rest = HttpOpener(*http_target(self.gateway.url), shares[Protocol.REST].heard)
        works = [self._load(shares[Protocol.REST], rest, QUESTIONS, CONNECTIONS)]
        works += [self._calls(shares[manner.protocol], manner) for manner in manners()]
        for numbers in await asyncio.gather(*works):
            asked[numbers] = True
        self.account.keep(asked)

    async def _calls(self, share: Share, manner: Manner) -> NDArray[np.intp]:
        def told(number: int, said: Said) -> None:
            share.end(number, manner.judged(number, said), reason_of(said))

        opener = CallOpener(self.gateway.grpc_address, manner, told)
        return await self._load(share, opener, manner.questions, PLACES)

    async def _load(
        self, share: Share, opener: Opener, questions: Sequence[WireRequest], connections: int
    ) -> NDArray[np.intp]:
        """The numbers of those that it came to."""
        load = Load(questions, self.account.due[share.numbers], connections, DEADLINE_SECONDS + GRACE_SECONDS)
        found = await run_load(BookedOpener(share, opener), load, started=self._started, enough=self._enough)
        return share.numbers[: len(found.due)]

    def _started(self) -> float:
        """One start for all: the first protocol whose connections are open sets it."""
        if not self._under_way.is_set():
            self._began = time.perf_counter()
            self._under_way.set()
        return self._began

    def wait_until_under_way(self) -> None:
        assert self._under_way.wait(JOIN_SECONDS), "the load has not begun"

    def stop(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._enough.set)


@contextmanager
def asked(gateway: GatewayProcess, rate_per_second: float, seed: int) -> Iterator[Asking]:
    """A load on the gateway, over every protocol, while the block lasts; at its end every request has had its time."""
    due = poisson_arrivals([Phase(rate_per_second, LONGEST_SECONDS)], seed)
    kinds = np.random.default_rng(seed).choice(len(SHARES), len(due), p=list(SHARES.values())).astype(np.int8)
    asking = Asking(gateway, Account(due, kinds))
    thread = threading.Thread(target=asking.run, daemon=True)
    thread.start()
    try:
        asking.wait_until_under_way()
        yield asking
    finally:
        asking.stop()
        thread.join(JOIN_SECONDS)
    assert not thread.is_alive(), "the load does not end"
