"""The batcher's shell: asyncio around the core. It owns the clock, the futures and the backend calls.

It never polls and never sleeps to fill a batch: requests that arrive in one turn of the event loop meet in the
queue, and the dispatch that follows that turn sends them together.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from serving.backend_protocol import Arrays, Backend, Target
from serving.batching.collate import Part, Reassembly, check_rows, collate, padded
from serving.batching.events import (
    ANY_BATCH,
    Action,
    BatchRules,
    Complete,
    Lane,
    QueueKey,
    SendBatch,
    Submission,
    layout_of,
)
from serving.batching.policy import BatchingCore
from serving.contract.tensors import Array
from serving.errors import BackendError, BackendUnavailable, DeadlineExceeded, PenstockError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a request's time went, in seconds, and how many rows shared its (last) batch."""

    queue_seconds: float
    backend_seconds: float
    batch_rows: int


@dataclass(frozen=True, slots=True)
class Answer:
    outputs: dict[str, Array]
    receipt: Receipt


class BatchObserver(Protocol):
    """Who counts. Called once per batch, never per request."""

    def batch_finished(self, batch: SendBatch, backend_seconds: float, queue_seconds: Sequence[float]) -> None: ...


@dataclass(slots=True)
class _Waiting:
    inputs: Arrays
    future: asyncio.Future[Answer]
    submitted_at_seconds: float
    assembly: Reassembly
    sent_at_seconds: float | None = None
    backend_seconds: float = 0.0
    batch_rows: int = 0

    def answer(self) -> Answer:
        waited = (self.sent_at_seconds or self.submitted_at_seconds) - self.submitted_at_seconds
        return Answer(self.assembly.outputs, Receipt(waited, self.backend_seconds, self.batch_rows))


@dataclass(slots=True)
class Batcher:
    """Answers requests through batches of `backend`; one per backend, for one event loop."""

    backend: Backend
    core: BatchingCore
    observer: BatchObserver
    clock: Callable[[], float] = time.monotonic
    """Not the loop's own time: uvloop rounds that to milliseconds and stops it during a turn of the loop."""
    _waiting: dict[int, _Waiting] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=count)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _flush_due: bool = False
    _timer: asyncio.TimerHandle | None = None
    _timer_due_seconds: float = 0.0

    async def predict(
        self,
        target: Target,
        inputs: Arrays,
        deadline_seconds: float,
        *,
        rules: BatchRules = ANY_BATCH,
        lane: Lane = Lane.NORMAL,
        tenant: str = "",
    ) -> Answer:
        """The outputs for `inputs` (rows first, all equally many, at least one).

        Raises Overloaded and PayloadTooLarge at the door, DeadlineExceeded at the deadline, and whatever BackendError
        its batch met. A cancelled caller is forgotten at once.
        """
        number, now = next(self._numbers), self.clock()
        rows = len(next(iter(inputs.values())))
        waiting = _Waiting(inputs, asyncio.get_running_loop().create_future(), now, Reassembly(rows))
        self._waiting[number] = waiting
        nbytes = sum(array.nbytes for array in inputs.values())
        key = QueueKey(target, layout_of(inputs), rules)
        self._perform(self.core.submit(Submission(number, key, rows, nbytes, deadline_seconds, lane, tenant), now))
        self._flush_soon()
        try:
            return await waiting.future
        finally:
            if self._waiting.pop(number, None) is not None:  # not answered: the caller was cancelled
                self.core.cancel(number)

    async def close(self) -> None:
        """Wait until everything admitted has ended; whoever closes admits nothing more."""
        self._flush()
        while self._tasks:  # a call that ends sends what waited for its slot
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._timer:
            self._timer.cancel()

    def oldest_age_seconds(self, now: float) -> float:
        """How long the longest-queued request has waited for a slot; 0 when none does."""
        waits = [now - w.submitted_at_seconds for w in self._waiting.values() if w.sent_at_seconds is None]
        return max(waits, default=0.0)

    def _flush_soon(self) -> None:
        if not self._flush_due:
            self._flush_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        self._perform(self.core.fill_slots(self.clock()))
        self._arm_timer()

    def _arm_timer(self) -> None:
        """One timer, for the earliest deadline. One that rings too early costs a look; it is not worth moving."""
        due = self.core.next_deadline_seconds()
        if due is None or (self._timer and self._timer_due_seconds <= due):
            return
        if self._timer:
            self._timer.cancel()
        self._timer_due_seconds = due
        self._timer = asyncio.get_running_loop().call_later(max(0.0, due - self.clock()), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._flush()

    def _perform(self, actions: Sequence[Action]) -> None:
        for action in actions:
            if isinstance(action, SendBatch):
                self._start(action)
                continue
            waiting = self._waiting.pop(action.request)
            if waiting.future.done():
                continue  # cancelled in this very turn of the loop
            if isinstance(action, Complete):
                waiting.future.set_result(waiting.answer())
            else:
                waiting.future.set_exception(action.error)

    def _start(self, batch: SendBatch) -> None:
        now, waits, parts = self.clock(), [], []
        for part in batch.slices:
            waiting = self._waiting[part.request]
            parts.append(Part(waiting.inputs, part.start, part.rows))
            if waiting.sent_at_seconds is None:
                waiting.sent_at_seconds = now
                waits.append(now - waiting.submitted_at_seconds)
        task = asyncio.get_running_loop().create_task(self._run(batch, parts, waits))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, batch: SendBatch, parts: Sequence[Part], queue_seconds: Sequence[float]) -> None:
        sent_at = self.clock()
        try:
            outputs = await self._call(batch, parts)
            backend_seconds = self.clock() - sent_at
            self._scatter(batch, outputs, backend_seconds)
            actions = self.core.batch_done(batch.batch, self.clock())
        except PenstockError as error:
            backend_seconds = self.clock() - sent_at
            actions = self.core.batch_failed(batch.batch, error, self.clock())
        self._perform(actions)
        self._flush()
        self.observer.batch_finished(batch, backend_seconds, queue_seconds)

    async def _call(self, batch: SendBatch, parts: Sequence[Part]) -> dict[str, Array]:
        limit = asyncio.timeout(max(0.0, batch.deadline_seconds - self.clock()))
        try:
            inputs = padded(collate(parts), (batch.padded_rows,))
            async with limit:
                outputs = await self.backend.predict(batch.key.target, inputs, batch.deadline_seconds)
            check_rows(outputs, len(next(iter(inputs.values()))))
        except PenstockError:
            raise
        except asyncio.CancelledError as error:
            if (task := asyncio.current_task()) and task.cancelling():
                raise
            raise BackendUnavailable("the backend gave the call up") from error
        except Exception as error:  # a backend's bug must end its batch and nothing else
            if limit.expired():
                raise DeadlineExceeded("the backend did not answer before the deadline") from error
            _log.exception("the backend failed in an unforeseen way")
            raise BackendError("the backend failed") from error
        return outputs

    def _scatter(self, batch: SendBatch, outputs: Arrays, backend_seconds: float) -> None:
        offset = 0
        for part in batch.slices:
            waiting = self._waiting.get(part.request)
            if waiting is not None:
                waiting.assembly.add(outputs, offset, part.start, part.rows)
                waiting.backend_seconds += backend_seconds
                waiting.batch_rows = batch.rows
            offset += part.rows
