"""A policy of batching, a device and a stream of requests, in virtual time: what the shell does, without waiting.

Pure. The policy is asked exactly as the shell asks the core, so the real core and others' rules run in the same world.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import inf
from random import Random
from typing import NamedTuple, Protocol

import numpy as np

from loadtests.simulation.arrivals import Arrival
from loadtests.simulation.device import Device
from loadtests.simulation.outcome import Outcome
from loadtests.simulation.submissions import submission
from serving.batching.events import Action, Complete, SendBatch, Submission
from serving.errors import DeadlineExceeded, PenstockError


class Policy(Protocol):
    """Events in, actions out; `serving.batching.policy.BatchingCore` is one."""

    def submit(self, submission: Submission, now: float) -> list[Action]: ...

    def fill_slots(self, now: float) -> list[Action]: ...

    def batch_done(self, batch: int, now: float) -> list[Action]: ...

    def batch_failed(self, batch: int, error: PenstockError, now: float) -> list[Action]: ...

    def next_deadline_seconds(self) -> float | None: ...


def simulate(policy: Policy, arrivals: Sequence[Arrival], device: Device, seed: int = 0) -> Outcome:
    """What becomes of `arrivals` (in the order of time); `seed` is that of the device's noise."""
    run = _Run(policy, list(arrivals), device, Random(seed))
    run.to_the_end()
    return run.outcome()


class _Flight(NamedTuple):
    """A call under way. It lands when it ends, or at its deadline, when the shell gives it up."""

    lands_seconds: float
    batch: int
    end_seconds: float
    deadline_seconds: float

    @classmethod
    def of(cls, batch: int, end_seconds: float, deadline_seconds: float) -> "_Flight":
        return cls(min(end_seconds, deadline_seconds), batch, end_seconds, deadline_seconds)

    @property
    def is_given_up(self) -> bool:
        return self.end_seconds > self.deadline_seconds


@dataclass(slots=True)
class _Run:
    policy: Policy
    arrivals: list[Arrival]
    device: Device
    random: Random
    now: float = 0.0
    device_free_at: float = 0.0
    flights: list["_Flight"] = field(default_factory=list)
    """Calls under way, the one that lands first in front."""
    batch_rows: list[int] = field(default_factory=list)
    answered_at: list[float] = field(default_factory=list)
    refused_at: list[float] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)

    def to_the_end(self) -> None:
        self.answered_at = [float("nan")] * len(self.arrivals)
        self.refused_at = list(self.answered_at)
        come, coming = 0, [arrival.at_seconds for arrival in self.arrivals] + [inf]
        alarm = inf
        while True:
            landing = self.flights[0].lands_seconds if self.flights else inf
            self.now = min(coming[come], landing, alarm)
            if self.now == inf:
                return
            while coming[come] <= self.now:
                self._interrupt()
                self._perform(self.policy.submit(submission(come, self.arrivals[come]), self.now))
                come += 1
            while self.flights and self.flights[0].lands_seconds <= self.now:
                self._land()
            self._perform(self.policy.fill_slots(self.now))
            due = self.policy.next_deadline_seconds()
            alarm = inf if due is None or due <= self.now else due

    def outcome(self) -> Outcome:
        return Outcome(
            self.arrivals,
            np.array(self.answered_at),
            np.array(self.refused_at),
            self.refusals,
            self.batch_rows,
            self.now,
        )

    def _perform(self, actions: Sequence[Action]) -> None:
        for action in actions:
            if isinstance(action, SendBatch):
                self._send(action)
            elif isinstance(action, Complete):
                self._once(action.request)
                self.answered_at[action.request] = self.now
            else:
                self._once(action.request)
                self.refused_at[action.request] = self.now
                self.refusals[type(action.error).__name__] += 1

    def _once(self, request: int) -> None:
        if (
            self.answered_at[request] == self.answered_at[request]
            or self.refused_at[request] == self.refused_at[request]
        ):
            raise AssertionError(f"request {request} ended twice")

    def _send(self, batch: SendBatch) -> None:
        rows = batch.padded_rows
        seconds = self.device.seconds(rows)
        if self.device.noise:
            seconds *= self.random.lognormvariate(0.0, self.device.noise)
        self.device_free_at = max(self.now + self.device.overhead_seconds, self.device_free_at) + seconds
        heappush(self.flights, _Flight.of(batch.batch, self.device_free_at, batch.deadline_seconds))
        self.batch_rows.append(rows)

    def _interrupt(self) -> None:
        """The door takes the core from the device for a moment, and all that it has yet to do ends so much later."""
        pause = self.device.door_seconds
        if not pause or self.device_free_at <= self.now:
            return
        self.device_free_at += pause
        self.flights = [_Flight.of(one.batch, one.end_seconds + pause, one.deadline_seconds) for one in self.flights]
        heapify(self.flights)

    def _land(self) -> None:
        flight = heappop(self.flights)
        if flight.is_given_up:  # by the shell; the device does not know
            error = DeadlineExceeded("the backend did not answer before the deadline")
            self._perform(self.policy.batch_failed(flight.batch, error, self.now))
        else:
            self._perform(self.policy.batch_done(flight.batch, self.now))
