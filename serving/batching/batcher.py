"""The batcher's shell: asyncio around the core. It owns the clock, the futures and the backend calls.

It never polls and never sleeps to fill a batch: requests that arrive in one turn of the event loop meet in the
queue, and the dispatch that follows that turn sends them together.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Protocol

from serving.backend_protocol import Arrays, Backend, Target
from serving.batching.collate import Part, all_finite, check_rows, collate
from serving.batching.company import Company
from serving.batching.events import Action, Complete, Lane, QueueKey, Reject, SendBatch, Submission
from serving.batching.explanation import BatcherFacts
from serving.batching.policy import BatchingCore
from serving.batching.waiting import Answer, Waiter, Waiting
from serving.contract.tensors import Array
from serving.errors import BackendError, BackendUnavailable, DeadlineExceeded, PenstockError

_log = logging.getLogger(__name__)


class BatchObserver(Protocol):
    """Who counts. Called once per batch, never per request."""

    def batch_finished(self, batch: SendBatch, backend_seconds: float, queue_seconds: Sequence[float]) -> None: ...


@dataclass(slots=True)
class SentCall:
    """A batch on its way to the backend."""

    batch: SendBatch
    inputs: Arrays
    queue_seconds: Sequence[float]
    sent_at_seconds: float


@dataclass(slots=True)
class Batcher:
    """Answers requests through batches of `backend`; one per backend, for one event loop."""

    backend: Backend
    core: BatchingCore
    observer: BatchObserver
    clock: Callable[[], float] = time.monotonic
    """Not the loop's own time: uvloop rounds that to milliseconds and stops it during a turn of the loop."""
    at_once: dict[Target, bool] = field(default_factory=dict)
    """Whether the last batch of each target ran in the event loop's own thread."""
    company: Company = field(default_factory=Company)
    """Told by a server whose requests come in one by one that one of them came."""
    refused_last: bool = False
    """Whether the request that came last met a full queue: the next had better ask `check_door` before it is read."""
    _waiting: dict[int, Waiting] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=count)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop | None = None
    """Asked for once: Python 3.11 makes a system call of every asking."""
    _flush_due: bool = False
    _timer: asyncio.TimerHandle | None = None
    _timer_due_seconds: float = 0.0

    async def predict(
        self, key: QueueKey, inputs: Arrays, deadline_seconds: float, *, lane: Lane = Lane.NORMAL, tenant: str = ""
    ) -> Answer:
        """The outputs for `inputs` (rows first, all equally many, at least one), which are of `key`'s layout.

        Raises Overloaded and PayloadTooLarge at the door, DeadlineExceeded at the deadline, and whatever BackendError
        its batch met. A cancelled caller is forgotten at once.
        """
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        number = self.submit(key, inputs, deadline_seconds, future, lane=lane, tenant=tenant)
        try:
            return await future
        finally:
            self.give_up(number)  # nobody, unless the caller was cancelled

    def submit(
        self, key: QueueKey, inputs: Arrays, deadline_seconds: float, waiter: Waiter, *, lane: Lane, tenant: str
    ) -> int:
        """`predict` without waiting: `waiter` is told, maybe at once. The number is for `give_up`."""
        number, now = next(self._numbers), self.clock()
        rows = nbytes = 0
        for array in inputs.values():
            rows, nbytes = len(array), nbytes + array.nbytes
        self._waiting[number] = Waiting(inputs, rows, waiter, now)
        actions = self.core.submit(Submission(number, key, rows, nbytes, deadline_seconds, lane, tenant), now)
        self.refused_last = bool(actions)
        if actions:
            self._perform(actions)
        if not self._flush_due:
            self._flush_due = True
            (self._loop or asyncio.get_running_loop()).call_soon(self._flush)
        return number

    def check_door(self, key: QueueKey, deadline_seconds: float, lane: Lane, tenant: str) -> None:
        """Raises what a request would be refused with now, however few its rows: before anybody reads them."""
        error = self.core.turned_away(key, deadline_seconds, lane, tenant, self.clock())
        if error is not None:
            try:
                raise error
            finally:
                del error  # its traceback holds this frame: a circle for the garbage collector, at the worst of times

    def give_up(self, number: int) -> None:
        """Nobody waits for this request any more; its waiter is not told. Nothing happens where it was told already."""
        if self._waiting.pop(number, None) is not None:
            self.core.cancel(number)

    async def close(self) -> None:
        """Wait until everything admitted has ended; whoever closes admits nothing more."""
        self._flush()
        while self._tasks or self._flush_due:  # a call that ends sends what waited for its slot
            await asyncio.gather(*self._tasks, asyncio.sleep(0), return_exceptions=True)
        if self._timer:
            self._timer.cancel()

    def explain(self) -> BatcherFacts:
        """What the core has learned and chosen, and where the calls run."""
        facts = self.core.explain(self.clock())
        places = {True: "event_loop", False: "backend", None: None}
        queues = [replace(queue, runs_in=places[self.at_once.get(queue.target)]) for queue in facts.queues]
        return replace(facts, queues=tuple(queues))

    def forget(self, is_live: Callable[[Target], bool], idle_seconds: float) -> None:
        """Drop what was learned and counted of targets that are gone and have not been called for so long."""
        self.core.forget(is_live, self.clock() - idle_seconds)
        self.at_once = {target: here for target, here in self.at_once.items() if is_live(target)}

    def oldest_age_seconds(self, now: float) -> float:
        """How long the longest-queued request has waited for a slot; 0 when none does."""
        waits = [now - w.submitted_at_seconds for w in self._waiting.values() if w.sent_at_seconds is None]
        return max(waits, default=0.0)

    def _flush(self) -> None:
        """Fill the free slots. What was answered within this very turn frees them for the next: between the two
        others get theirs, and whoever comes meanwhile rides along.
        """
        self._flush_due = False
        core = self.core
        if self.company.is_worth_a_turn(core.queued_rows, core.next_deadline_seconds(), self.clock()):
            self._flush_due = True
            asyncio.get_running_loop().call_soon(self._flush)
            return
        sent, answered = True, False
        while sent and not answered:  # one by one, for one that runs at once would make the next one's time look long
            sent = False
            for action in self.core.fill_slots(self.clock(), most_batches=1):
                if isinstance(action, SendBatch):
                    sent, answered = True, self._start(action)
                else:
                    self._settle(action)
        if answered and not self._flush_due and self.core.has_rows_to_send:
            self._flush_due = True
            asyncio.get_running_loop().call_soon(self._flush)
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
            else:
                self._settle(action)

    def _settle(self, action: Complete | Reject) -> None:
        waiting = self._waiting.pop(action.request)
        if waiting.waiter.done():
            return  # cancelled in this very turn of the loop
        if isinstance(action, Complete):
            waiting.waiter.set_result(waiting.answer())
        else:
            waiting.waiter.set_exception(action.error)

    def _start(self, batch: SendBatch) -> bool:
        """Send a batch; whether it has ended already."""
        now, waits, parts = self.clock(), [], []
        for request, start, rows in batch.slices:
            waiting = self._waiting[request]
            parts.append(Part(waiting.inputs, start, rows))
            if waiting.sent_at_seconds is None:
                waiting.sent_at_seconds = now
                waits.append(now - waiting.submitted_at_seconds)
        call = SentCall(batch, {}, waits, now)
        outputs = error = None
        try:
            call.inputs = collate(parts, (batch.padded_rows,))
            outputs = self.backend.predict_at_once(batch.key.target, call.inputs)
        except Exception as fault:  # noqa: BLE001 - a backend's bug must end its batch and nothing else
            error = _as_ours(fault)
        self.at_once[batch.key.target] = outputs is not None
        if outputs is None and error is None:
            task = asyncio.get_running_loop().create_task(self._run(call))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return False
        self._finish(call, outputs or {}, error)
        return True

    async def _run(self, call: SentCall) -> None:
        outputs, error = {}, None
        try:
            outputs = await self._call(call)
        except PenstockError as fault:
            error = fault
        self._finish(call, outputs, error)
        self._flush()

    async def _call(self, call: SentCall) -> dict[str, Array]:
        deadline = call.batch.deadline_seconds
        limit = asyncio.timeout(max(0.0, deadline - self.clock()))
        try:
            async with limit:
                return await self.backend.predict(call.batch.key.target, call.inputs, deadline)
        except asyncio.CancelledError as error:
            if (task := asyncio.current_task()) and task.cancelling():
                raise
            raise BackendUnavailable("the backend gave the call up") from error
        except Exception as error:  # a backend's bug must end its batch and nothing else
            if limit.expired():
                raise DeadlineExceeded("the backend did not answer before the deadline") from error
            raise _as_ours(error) from error

    def _finish(self, call: SentCall, outputs: Arrays, error: PenstockError | None) -> None:
        """What a call brought goes to its requests, and the slot is free."""
        now = self.clock()
        backend_seconds = now - call.sent_at_seconds
        if error is None:
            try:
                check_rows(outputs, len(next(iter(call.inputs.values()))))
                self._scatter(call.batch, outputs, backend_seconds)
            except Exception as fault:  # noqa: BLE001 - nor may outputs that are none
                error = _as_ours(fault)
        number = call.batch.batch
        self.observer.batch_finished(call.batch, backend_seconds, call.queue_seconds)  # who has an answer is counted
        self._perform(
            self.core.batch_done(number, now) if error is None else self.core.batch_failed(number, error, now)
        )

    def _scatter(self, batch: SendBatch, outputs: Arrays, backend_seconds: float) -> None:
        offset, batch_rows, finite = 0, batch.rows, all_finite(outputs)
        for request, start, rows in batch.slices:
            waiting = self._waiting.get(request)
            if waiting is not None:
                waiting.take(outputs, offset, start, rows)
                waiting.backend_seconds += backend_seconds
                waiting.batch_rows = batch_rows
                waiting.all_finite &= finite
            offset += rows


def _as_ours(fault: Exception) -> PenstockError:
    if isinstance(fault, PenstockError):
        return fault
    _log.error("the backend failed in an unforeseen way", exc_info=fault)
    error = BackendError("the backend failed")
    error.__cause__ = fault
    return error
