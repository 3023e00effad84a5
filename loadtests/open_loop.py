"""The open-loop generator: requests are sent when they are due, however slowly earlier ones are answered.

A closed loop asks less the slower the server gets, and so never sees an overload; here latency is counted from the
moment a request was meant to be sent. The generator reports its own lateness: a run in which it fell behind is invalid.
It keeps a whole core busy, since a timer of the loop is no finer than a millisecond.
"""

import asyncio
import gc
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import uvloop
from numpy.typing import NDArray

from loadtests.arrivals import Seconds

NO_ANSWER = 0
"""The status of a request whose connection broke, or that was not answered in time."""
LATE_SECONDS = 0.005
LATE_SHARE = 0.01
"""A run is invalid when more than this share of its requests was sent later than LATE_SECONDS after it was due."""
SPIN_SECONDS = 0.003
"""Nearer than this the next request is waited for by turning the loop over, further off by a timer."""


@dataclass(frozen=True, slots=True)
class OpenLoopRun:
    """One entry a request, in the order they were due; seconds from the start of the run, NaN for what never came."""

    due: Seconds
    sent: Seconds
    ended: Seconds
    status: NDArray[np.int16]

    @property
    def latency_seconds(self) -> Seconds:
        """From when a request was due to the end of its answer; NaN without one."""
        return self.ended - self.due

    @property
    def lateness_seconds(self) -> Seconds:
        """How late each was sent; infinite for what never was."""
        return np.where(np.isnan(self.sent), np.inf, self.sent - self.due)

    @property
    def late_share(self) -> float:
        return float(np.mean(self.lateness_seconds > LATE_SECONDS)) if len(self.due) else 0.0

    @property
    def is_valid(self) -> bool:
        """Whether the generator kept up."""
        return self.late_share <= LATE_SHARE


def run_open_loop(port: int, request: bytes, due: Seconds, *, connections: int, patience_seconds: float) -> OpenLoopRun:
    """Send `request`, a whole HTTP/1.1 request, at each moment of `due`, and wait for the last answers.

    A request waits for a free one of the `connections`, which counts as lateness. Raises OSError when the server does
    not take connections at the start.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(port, request, due, connections, patience_seconds))


async def _run(port: int, request: bytes, due: Seconds, connections: int, patience_seconds: float) -> OpenLoopRun:
    loop = asyncio.get_running_loop()
    generator = _Generator(loop, port, request, due.tolist())
    for _ in range(connections):
        await generator.connect()
    collects = gc.isenabled()
    gc.disable()  # a collection would be taken for the server's slowness
    try:
        await generator.send_all(patience_seconds)
    finally:
        if collects:
            gc.enable()
        generator.close()
    return OpenLoopRun(due, np.array(generator.sent), np.array(generator.ended), np.array(generator.status, np.int16))


class _Generator:
    """Keeps the requests' moments and the free connections."""

    def __init__(self, loop: asyncio.AbstractEventLoop, port: int, request: bytes, due: list[float]) -> None:
        self._clock = time.perf_counter  # uvloop's own clock has whole milliseconds
        self._loop, self._port, self._request, self._due = loop, port, request, due
        self.sent, self.ended = [float("nan")] * len(due), [float("nan")] * len(due)
        self.status = [NO_ANSWER] * len(due)
        self._free: list[_Connection] = []
        self._all: set[_Connection] = set()
        self._waiting: deque[int] = deque()
        self._next, self._open, self._started = 0, len(due), 0.0
        self._done = asyncio.Event()
        self._reconnecting: set[asyncio.Task[None]] = set()

    async def connect(self) -> None:
        _, connection = await self._loop.create_connection(
            lambda: _Connection(self._answered, self._lost), "127.0.0.1", self._port
        )
        self._all.add(connection)
        self._give(connection)

    async def send_all(self, patience_seconds: float) -> None:
        self._started = self._clock()
        self._turn()
        last = self._due[-1] if self._due else 0.0
        try:
            async with asyncio.timeout(last + patience_seconds):
                await self._done.wait()
        except TimeoutError:
            return  # what is still open stays without an answer

    def close(self) -> None:
        self._next = len(self._due)
        for task in self._reconnecting:
            task.cancel()
        for connection in self._all:
            connection.close()

    def _turn(self) -> None:
        """Send what is due, and come again when the next is."""
        now, due = self._clock() - self._started, self._due
        while self._next < len(due) and due[self._next] <= now:
            self._send(self._next)
            self._next += 1
        if self._next < len(due):
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
        connection = self._free.pop()
        self.sent[number] = self._clock() - self._started
        connection.ask(number, self._request)

    def _give(self, connection: "_Connection") -> None:
        self._free.append(connection)
        if self._waiting:
            self._send(self._waiting.popleft())

    def _answered(self, connection: "_Connection", number: int, status: int) -> None:
        self.ended[number] = self._clock() - self._started
        self._end(number, status)
        self._give(connection)

    def _lost(self, connection: "_Connection", number: int | None) -> None:
        """A connection that the server closed is replaced; the request on it has no answer."""
        self._all.discard(connection)
        if connection in self._free:
            self._free.remove(connection)
        if number is not None:
            self._end(number, NO_ANSWER)
        if self._open:
            task = self._loop.create_task(self._reconnect())
            self._reconnecting.add(task)
            task.add_done_callback(self._reconnecting.discard)

    async def _reconnect(self) -> None:
        try:
            await self.connect()
        except OSError:
            return  # one fewer: the lateness that follows makes the run invalid

    def _end(self, number: int, status: int) -> None:
        self.status[number] = status
        self._open -= 1
        if not self._open and self._next >= len(self._due):
            self._done.set()


class _Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request on it; reads as much of HTTP/1.1 as answers need."""

    def __init__(
        self,
        answered: "Callable[[_Connection, int, int], None]",
        lost: "Callable[[_Connection, int | None], None]",
    ) -> None:
        self._tell_answer, self._tell_loss = answered, lost
        self._number: int | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def ask(self, number: int, request: bytes) -> None:
        self._number = number
        self._transport.write(request)

    def close(self) -> None:
        self._number, self._tell_loss = None, lambda *_: None
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        status = answer_status(self._received)
        if status is None or self._number is None:
            return
        number, self._number, self._received = self._number, None, b""
        self._tell_answer(self, number, status)

    def connection_lost(self, _: Exception | None) -> None:
        self._tell_loss(self, self._number)


def answer_status(received: bytes) -> int | None:
    """The status of a whole HTTP/1.1 answer with a Content-Length; None while some of it is still to come.

    Raises ValueError for an answer of another framing.
    """
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = received[:end].lower()
    at = head.find(b"\r\ncontent-length:")
    if at < 0:
        raise ValueError("an answer without a Content-Length")
    length = int(head[at + 17 :].split(b"\r\n", 1)[0])
    return int(head[9:12]) if len(received) >= end + 4 + length else None
