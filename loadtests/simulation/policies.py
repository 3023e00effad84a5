"""How other servers batch, each in its few rules, to stand beside ours in the simulator.

Pure. None of them refuses or gives up by deadline unless its own rules say so: a late answer is an answer, and late.
Requests are never cut; whoever asks for more rows than a batch holds goes alone.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from math import inf

from loadtests.simulation.device import Device
from serving.batching.events import Action, Complete, Reject, RowSlice, SendBatch, Submission
from serving.errors import BackendUnavailable, DeadlineExceeded, PenstockError


@dataclass(slots=True)
class _Waiting:
    submission: Submission
    since_seconds: float


@dataclass(slots=True)
class FirstComeFirstServed:
    """The queue and the slots that the others share. By itself: whatever waits is sent when a slot is free."""

    max_batch_rows: int
    slots: int = 1
    _queue: "OrderedDict[int, _Waiting]" = field(default_factory=OrderedDict)
    _queued_rows: int = 0
    _in_flight: dict[int, SendBatch] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=count)

    def submit(self, submission: Submission, now: float) -> list[Action]:
        self._queue[submission.request] = _Waiting(submission, now)
        self._queued_rows += submission.rows
        return []

    def fill_slots(self, now: float) -> list[Action]:
        actions: list[Action] = []
        while self._queue and len(self._in_flight) < self.slots and self._due(now):
            actions.append(self._batch(list(self._first(self.max_batch_rows))))
        return actions

    def batch_done(self, batch: int, now: float) -> list[Action]:
        del now
        return [Complete(part.request) for part in self._in_flight.pop(batch).slices]

    def batch_failed(self, batch: int, error: PenstockError, now: float) -> list[Action]:
        del now
        return [Reject(part.request, error) for part in self._in_flight.pop(batch).slices]

    def next_deadline_seconds(self) -> float | None:
        return None

    def _due(self, now: float) -> bool:
        del now
        return True

    def _first(self, most_rows: int) -> Iterator[Submission]:
        room = most_rows
        for waiting in self._queue.values():
            if waiting.submission.rows > room and room < most_rows:
                return
            yield waiting.submission
            room -= waiting.submission.rows

    def _batch(self, members: list[Submission]) -> SendBatch:
        slices = tuple(RowSlice(member.request, 0, member.rows) for member in members)
        rows = sum(member.rows for member in members)
        batch = SendBatch(next(self._numbers), members[0].key, slices, inf, rows, rows)
        self._in_flight[batch.batch] = batch
        for member in members:
            self._leave(member.request)
        return batch

    def _leave(self, request: int) -> None:
        self._queued_rows -= self._queue.pop(request).submission.rows

    @property
    def _oldest_seconds(self) -> float:
        return next(iter(self._queue.values())).since_seconds


@dataclass(slots=True)
class FixedWindow(FirstComeFirstServed):
    """A batch is full, or its oldest member has waited for the window (LitServe's `batch_timeout`, Triton's
    `max_queue_delay_microseconds`). The queue has no bound.
    """

    window_seconds: float = 1e-3

    def _due(self, now: float) -> bool:
        return self._queued_rows >= self.max_batch_rows or now >= self._oldest_seconds + self.window_seconds

    def next_deadline_seconds(self) -> float | None:
        free = len(self._in_flight) < self.slots
        return self._oldest_seconds + self.window_seconds if self._queue and free else None


@dataclass(slots=True)
class BoundedWindow(FixedWindow):
    """As TensorFlow Serving's BasicBatchScheduler: `batch_timeout_micros`, and an error at the door once
    `max_enqueued_batches` wait.
    """

    max_enqueued_batches: int = 10

    def submit(self, submission: Submission, now: float) -> list[Action]:
        if self._queued_rows + submission.rows > self.max_enqueued_batches * self.max_batch_rows:
            return [Reject(submission.request, BackendUnavailable("the batch scheduling queue is full"))]
        return FixedWindow.submit(self, submission, now)


@dataclass(slots=True, kw_only=True)
class ShrinkToTheOldest(FirstComeFirstServed):
    """Earliest deadline first, with the largest batch that still answers the oldest in time (Clipper, GrandSLAm and
    many a scheduler since). Knows what the device costs; drops who cannot be answered in time even alone.
    """

    device: Device

    def fill_slots(self, now: float) -> list[Action]:
        actions: list[Action] = []
        while self._queue and len(self._in_flight) < self.slots:
            actions += self._give_up(now)
            if not self._queue:
                break
            members = list(self._first(self._fitting(now)))
            actions.append(self._batch(members))
        return actions

    def _give_up(self, now: float) -> list[Action]:
        late = [
            request
            for request, waiting in self._queue.items()
            if now + self.device.seconds(waiting.submission.rows) > waiting.submission.deadline_seconds
        ]
        for request in late:
            self._leave(request)
        return [Reject(request, DeadlineExceeded("cannot be answered in time")) for request in late]

    def _fitting(self, now: float) -> int:
        left = min(waiting.submission.deadline_seconds for waiting in self._queue.values()) - now
        rows = self.max_batch_rows
        while rows > 1 and self.device.seconds(rows) > left:
            rows -= 1
        return rows


@dataclass(slots=True)
class FanOut(FirstComeFirstServed):
    """Every request is a call of its own, at once, as many as come: a web framework with a pool of threads."""

    slots: int = 10**9

    def fill_slots(self, now: float) -> list[Action]:
        del now
        return [self._batch([waiting.submission]) for waiting in list(self._queue.values())]
