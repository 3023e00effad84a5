"""The open-loop generator: requests are sent when they are due, however slowly earlier ones are answered.

A closed loop asks less the slower the server gets, and so never sees an overload; here latency is counted from the
moment a request was meant to be sent. The generator reports its own lateness: a run in which it fell behind is invalid.
It keeps a whole core busy, since a timer of the loop is no finer than a millisecond.
"""

import asyncio
import gc
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import uvloop
from numpy.typing import NDArray

from loadtests.arrivals import Seconds
from loadtests.http_connection import HttpOpener
from loadtests.wire import NO_ANSWER, Connection, Opener, WireRequest

LATE_SECONDS = 0.005
LATE_SHARE = 0.01
"""A run is invalid when more than this share of its requests was sent later than LATE_SECONDS after it was due."""
SPIN_SECONDS = 0.003
"""Nearer than this the next request is waited for by turning the loop over, further off by a timer."""
TICK_SECONDS = 1.0
RECONNECT_SECONDS = 0.1
"""Between attempts to replace a connection while the server takes none."""


@dataclass(frozen=True, slots=True)
class OpenLoopRun:
    """One entry a request, in the order they were due; seconds from the start of the run, NaN for what never came.

    A request was `reached` when the generator came to it, and `sent` when a connection was free; without a free one it
    waits, which is part of its latency and no fault of the generator's. `losses` counts why there was no answer.
    """

    due: Seconds
    reached: Seconds
    sent: Seconds
    ended: Seconds
    status: NDArray[np.int16]
    losses: Mapping[str, int] = field(default_factory=dict)

    @property
    def latency_seconds(self) -> Seconds:
        """From when a request was due to the end of its answer; NaN without one."""
        return self.ended - self.due

    @property
    def own_lateness_seconds(self) -> Seconds:
        """How late the generator came to each; infinite for what it never came to."""
        return np.where(np.isnan(self.reached), np.inf, self.reached - self.due)

    @property
    def lateness_seconds(self) -> Seconds:
        """How late each was sent; infinite for what never was."""
        return np.where(np.isnan(self.sent), np.inf, self.sent - self.due)

    @property
    def late_share(self) -> float:
        return float(np.mean(self.lateness_seconds > LATE_SECONDS)) if len(self.due) else 0.0

    @property
    def is_valid(self) -> bool:
        """Whether the generator kept up, and had connections enough."""
        return self.late_share <= LATE_SHARE


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: counts since its start, and the latencies of the answers since the last time it was told."""

    at_seconds: float
    reached: int
    ended: int
    waiting: int
    latencies: Sequence[float]


Tell = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent and when: `requests` in turn, each due moment of `due` (rising, from the start of the run) one.

    After the last is due, answers are waited for `patience_seconds`; a request is given up after as long.
    """

    requests: Sequence[WireRequest]
    due: Seconds
    connections: int
    patience_seconds: float


def run_open_loop(
    port: int, requests: Sequence[bytes], due: Seconds, *, connections: int, patience_seconds: float
) -> OpenLoopRun:
    """Send `requests`, whole HTTP/1.1 requests, in turn, one at each moment of `due`, and wait for the last answers.

    Raises OSError when the server does not take connections at the start.
    """
    load = Load([WireRequest(request) for request in requests], due, connections, patience_seconds)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run_load(HttpOpener("127.0.0.1", port), load))


async def run_load(
    opener: Opener,
    load: Load,
    *,
    started: Callable[[], float] = time.perf_counter,
    tell: Tell | None = None,
    enough: asyncio.Event | None = None,
) -> OpenLoopRun:
    """The whole of a load. `started` is asked once all connections are open, for the start on `time.perf_counter`.
    Once there is `enough`, what is not due yet never is, and the run ends with the answers to the rest.

    Raises OSError when the server does not take connections at the start.
    """
    generator = Generator(asyncio.get_running_loop(), opener, load, tell)
    stopping = None if enough is None else asyncio.create_task(_stop(generator, enough))
    others_froze = gc.get_freeze_count() > 0
    try:
        for _ in range(load.connections):
            await generator.connect()
        gc.collect()
        gc.freeze()  # so that a collection looks at next to nothing: it would be taken for the server's slowness
        await generator.send_all(started())
    finally:
        if not others_froze:  # else what stays for as long as the process would be looked through from here on
            gc.unfreeze()
        if stopping is not None:
            stopping.cancel()
        generator.close()
        await opener.close()
    return generator.found()


async def _stop(generator: "Generator", enough: asyncio.Event) -> None:
    await enough.wait()
    generator.stop()


class Generator:
    """Keeps the requests' moments and the free connections."""

    def __init__(self, loop: asyncio.AbstractEventLoop, opener: Opener, load: Load, tell: Tell | None) -> None:
        self._clock = time.perf_counter  # uvloop's own clock has whole milliseconds
        self._loop, self._opener, self._load, self._tell = loop, opener, load, tell
        self._due = array("d", load.due.tolist())
        none = [float("nan")] * len(self._due)
        self._reached, self._sent, self._ended = array("d", none), array("d", none), array("d", none)
        self._status = array("h", [NO_ANSWER] * len(self._due))
        self._free: deque[Connection] = deque()
        self._busy: dict[Connection, int] = {}
        self._waiting: deque[int] = deque()
        self._next, self._open, self._started = 0, len(self._due), 0.0
        self._count = len(self._due)
        self._losses: Counter[str] = Counter()
        self._recent: list[float] = []
        self._done = asyncio.Event()
        self._reconnecting: set[asyncio.Task[None]] = set()

    async def connect(self) -> None:
        self._give(await self._opener.open(self))

    async def send_all(self, started: float) -> None:
        self._started = started
        self._turn()
        tick = self._loop.call_later(TICK_SECONDS, self._tick)
        last = self._due[-1] if self._due else 0.0
        try:
            async with asyncio.timeout(started - self._clock() + last + self._load.patience_seconds):
                await self._done.wait()
        except TimeoutError:
            self._losses["no answer by the end of the run"] += self._open
        finally:
            tick.cancel()

    def found(self) -> OpenLoopRun:
        count = self._count
        reached, sent, ended = (np.array(each)[:count] for each in (self._reached, self._sent, self._ended))
        status = np.array(self._status, np.int16)[:count]
        return OpenLoopRun(self._load.due[:count], reached, sent, ended, status, dict(self._losses))

    def stop(self) -> None:
        """Nothing later than what is due by now is sent; what is under way has the patience of the load."""
        self._open -= self._count - self._next
        self._count = self._next
        if self._open:
            self._loop.call_later(self._load.patience_seconds, self._done.set)
        else:
            self._done.set()

    def close(self) -> None:
        self._next, self._open, self._tell = self._count, 0, None
        for task in self._reconnecting:
            task.cancel()
        for connection in (*self._free, *self._busy):
            connection.close()

    def answered(self, connection: Connection, number: int, status: int, *, stays: bool) -> None:
        now = self._clock() - self._started
        self._ended[number] = now
        if self._tell is not None:
            self._recent.append(now - self._due[number])
        del self._busy[connection]
        self._end(number, status)
        if stays:
            self._give(connection)
        else:
            connection.close()
            self._replace()

    def lost(self, connection: Connection, number: int | None, reason: str) -> None:
        """A connection that the server closed is replaced; the request on it has no answer."""
        if number is None:
            if connection not in self._free:
                return  # it was not even handed over: whoever opens it is told
            self._free.remove(connection)
        else:
            del self._busy[connection]
            self._losses[reason] += 1
            self._end(number, NO_ANSWER)
        if self._open:
            self._replace()

    def _turn(self) -> None:
        """Send what is due, and come again when the next is."""
        now, due = self._clock() - self._started, self._due
        while self._next < self._count and due[self._next] <= now:
            self._reached[self._next] = self._clock() - self._started
            self._send(self._next)
            self._next += 1
        if self._next < self._count:
            wait = due[self._next] - now
            if wait < SPIN_SECONDS:
                self._loop.call_soon(self._turn)
            else:
                self._loop.call_later(wait - SPIN_SECONDS / 2, self._turn)
        elif not self._open:
            self._done.set()

    def _send(self, number: int) -> None:
        if not self._free:
            self._waiting.append(number)
            return
        connection = self._free.popleft()
        self._sent[number] = self._clock() - self._started
        self._busy[connection] = number
        requests = self._load.requests
        connection.ask(number, requests[number % len(requests)])

    def _give(self, connection: Connection) -> None:
        self._free.append(connection)
        if self._waiting:
            self._send(self._waiting.popleft())

    def _replace(self) -> None:
        task = self._loop.create_task(self._reconnect())
        self._reconnecting.add(task)
        task.add_done_callback(self._reconnecting.discard)

    async def _reconnect(self) -> None:
        while True:
            try:
                return await self.connect()
            except OSError:  # the server is away; meanwhile requests wait, and are late
                await asyncio.sleep(RECONNECT_SECONDS)

    def _tick(self) -> None:
        """Give up what was asked too long ago, and tell how far the run is."""
        now = self._clock() - self._started
        reason = f"no answer in {self._load.patience_seconds:g} s"
        for connection, number in list(self._busy.items()):
            if now - self._sent[number] > self._load.patience_seconds:
                connection.close()
                self.lost(connection, number, reason)
        if self._tell is not None:
            ended = self._count - self._open
            recent, self._recent = self._recent, []
            self._tell(Progress(now, self._next, ended, len(self._waiting) + len(self._busy), recent))
        if self._open:
            self._loop.call_later(TICK_SECONDS, self._tick)

    def _end(self, number: int, status: int) -> None:
        self._status[number] = status
        self._open -= 1
        if not self._open and self._next >= self._count:
            self._done.set()
