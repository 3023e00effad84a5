"""Whole gateways in virtual time: the real batching core, and the event loop that reads, batches and answers.

Pure. `simulator.py` has a device alone; here a gateway's own work takes time too, on one core for each gateway. Short
calls of an embedded model run in that loop, longer ones beside it, on the same core where there is but one.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Literal, TypeAlias

import numpy as np

from loadtests.simulation.arrivals import Arrival
from loadtests.simulation.outcome import Outcome
from loadtests.simulation.submissions import submission
from serving.batching.events import Action, Complete, SendBatch
from serving.batching.policy import BatchingCore

READING_SHARE = 0.5
"""Of a gateway's own work on a request: reading it, before it is queued; the rest is answering."""
Place: TypeAlias = Literal["event_loop", "same_core", "elsewhere"]
"""Where a call runs: in the gateway's event loop, beside it on its one core, or where it takes nothing from it."""


@dataclass(frozen=True, slots=True)
class Calls:
    """A call of b rows takes `seconds(b)` by itself, and runs in `place(b)`. `noise` is the standard deviation of the
    logarithm of a factor on it.
    """

    seconds: Callable[[int], float]
    place: Callable[[int], Place]
    noise: float = 0.0


@dataclass(frozen=True, slots=True)
class Site:
    """`gateways` behind a balancer that chooses at random, before `devices`, each with one call at a time. Without
    `devices` every gateway has one of its own.

    `request_seconds` is a gateway's own work on a request, `wire_seconds` what passes outside of it.
    """

    request_seconds: float
    wire_seconds: float = 0.0
    gateways: int = 1
    devices: int | None = None


def simulate_site(
    site: Site, new_core: Callable[[], BatchingCore], arrivals: Sequence[Arrival], calls: Calls, seed: int
) -> Outcome:
    """What becomes of `arrivals` (in the order of time). Raises ValueError for a site without gateways or devices."""
    if site.gateways < 1 or (site.devices is not None and site.devices < 1):
        raise ValueError("a site has at least one gateway and one device")
    run = _Run(site, arrivals, calls, Random(seed))
    run.loops = [_Loop(run, new_core()) for _ in range(site.gateways)]
    run.devices = [_Device() for _ in range(site.gateways if site.devices is None else site.devices)]
    return run.to_the_end()


@dataclass(slots=True)
class _Device:
    free_at: float = 0.0


@dataclass(slots=True)
class _Call:
    """One beside the loop on its core, and what it still needs of that core."""

    batch: int
    left_seconds: float


@dataclass(slots=True)
class _Run:
    site: Site
    arrivals: Sequence[Arrival]
    calls: Calls
    random: Random
    loops: "list[_Loop]" = field(default_factory=list)
    devices: list[_Device] = field(default_factory=list)
    events: "list[tuple[float, int, Callable[[float], None]]]" = field(default_factory=list)
    order: "count[int]" = field(default_factory=count)
    batch_rows: list[int] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    answered_at: list[float] = field(default_factory=list)
    refused_at: list[float] = field(default_factory=list)

    def at(self, seconds: float, happens: Callable[[float], None]) -> None:
        heappush(self.events, (seconds, next(self.order), happens))

    def to_the_end(self) -> Outcome:
        self.answered_at = [float("nan")] * len(self.arrivals)
        self.refused_at = list(self.answered_at)
        for number, arrival in enumerate(self.arrivals):
            loop = self.random.choice(self.loops)
            self.at(arrival.at_seconds, lambda now, loop=loop, number=number: loop.receive(number, now))  # type: ignore[misc]
        now = 0.0
        while self.events:
            now, _, happens = heappop(self.events)
            happens(now)
        return Outcome(
            list(self.arrivals),
            np.array(self.answered_at),
            np.array(self.refused_at),
            self.refusals,
            self.batch_rows,
            now,
        )

    def call_seconds(self, rows: int) -> float:
        self.batch_rows.append(rows)
        noise = self.calls.noise
        return self.calls.seconds(rows) * (self.random.lognormvariate(-noise * noise / 2, noise) if noise else 1.0)

    def device_of(self, loop: "_Loop") -> _Device:
        if self.site.devices is None:
            return self.devices[self.loops.index(loop)]
        return min(self.devices, key=lambda device: device.free_at)


class _Loop:
    """The event loop of one gateway: turn after turn it takes what has come, and then fills the free slots."""

    def __init__(self, run: _Run, core: BatchingCore) -> None:
        self._run, self._core = run, core
        self._come: deque[int] = deque()
        self._landed: deque[int] = deque()
        self._calls: list[_Call] = []
        self._calls_at, self._calls_changed = 0.0, 0
        self._free_at = 0.0
        self._turn_due = False
        self._alarm = float("inf")

    def receive(self, request: int, now: float) -> None:
        self._come.append(request)
        self._wake(now)

    def _wake(self, now: float) -> None:
        if not self._turn_due:
            self._turn_due = True
            self._run.at(max(now, self._free_at), self._turn)

    def _turn(self, now: float) -> None:
        self._turn_due, clock = False, now
        self._run_calls(now)
        while self._landed:
            clock = self._settle(self._core.batch_done(self._landed.popleft(), clock), clock)
        while self._come:
            clock += self._run.site.request_seconds * READING_SHARE
            request = self._come.popleft()
            clock = self._settle(self._core.submit(submission(request, self._run.arrivals[request]), clock), clock)
        clock, answered = self._fill(clock)
        self._calls_at = clock  # they stood still meanwhile: the loop, which mostly waits, goes first
        self._expect_landing(clock)
        self._free_at = clock
        if answered and self._core.has_rows_to_send:
            self._wake(clock)
        self._arm(clock)

    def _fill(self, clock: float) -> tuple[float, bool]:
        """As the shell does: one batch after another, until one of them has run in this very turn."""
        sent, answered = True, False
        while sent and not answered:
            sent = False
            for action in self._core.fill_slots(clock, most_batches=1):
                if not isinstance(action, SendBatch):
                    clock = self._settle([action], clock)
                    continue
                sent = True
                place = self._run.calls.place(action.padded_rows)
                seconds = self._run.call_seconds(action.padded_rows)
                if place == "event_loop":
                    answered, clock = True, clock + seconds
                    clock = self._settle(self._core.batch_done(action.batch, clock), clock)
                elif place == "same_core":
                    self._calls.append(_Call(action.batch, seconds))
                else:
                    self._send(action.batch, seconds, clock)
        return clock, answered

    def _send(self, batch: int, seconds: float, clock: float) -> None:
        device = self._run.device_of(self)
        device.free_at = max(clock, device.free_at) + seconds
        self._run.at(device.free_at, lambda now: self._land(batch, now))

    def _land(self, batch: int, now: float) -> None:
        self._landed.append(batch)
        self._wake(now)

    def _run_calls(self, now: float) -> None:
        """Up to `now` the calls beside the loop had its core in equal parts: the system, and TensorFlow's threads, go
        from one to the other.
        """
        if self._calls:
            each = (now - self._calls_at) / len(self._calls)
            for call in self._calls:
                call.left_seconds -= each
        self._calls_at = now

    def _expect_landing(self, clock: float) -> None:
        self._calls_changed += 1
        if self._calls:
            first = max(0.0, min(call.left_seconds for call in self._calls)) * len(self._calls)
            changed = self._calls_changed
            self._run.at(clock + first, lambda now: self._land_first(changed, now))

    def _land_first(self, changed: int, now: float) -> None:
        if changed != self._calls_changed:
            return  # another call began, or the loop took the core
        self._run_calls(now)
        first = min(self._calls, key=lambda call: call.left_seconds)
        self._calls.remove(first)
        self._expect_landing(now)
        self._land(first.batch, now)

    def _arm(self, clock: float) -> None:
        due = self._core.next_deadline_seconds()
        if due is not None and clock < due < self._alarm:
            self._alarm = due
            self._run.at(due, self._ring)

    def _ring(self, now: float) -> None:
        self._alarm = float("inf")
        self._wake(now)

    def _settle(self, actions: Sequence[Action], clock: float) -> float:
        run = self._run
        for action in actions:
            clock += run.site.request_seconds * (1 - READING_SHARE)
            if isinstance(action, Complete):
                run.answered_at[action.request] = clock + run.site.wire_seconds
            elif not isinstance(action, SendBatch):
                run.refused_at[action.request] = clock + run.site.wire_seconds
                run.refusals[type(action.error).__name__] += 1
        return clock
