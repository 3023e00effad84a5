"""The batching core: events in, actions out. No asyncio, no clock, no I/O, no arrays.

It composes the rules of docs/batching.md, each of which stands in a file of its own, so that every admitted request
ends exactly once.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from math import inf

from serving.backend_protocol import Target
from serving.batching.admission import MARGIN, Load, QueueLimits
from serving.batching.assembly import put_together
from serving.batching.backlog import QUEUE_QUANTUM_SECONDS, Backlog
from serving.batching.batch_size import call_rows
from serving.batching.depth import Depth
from serving.batching.door import Door
from serving.batching.events import Action, Complete, Lane, QueueKey, Reject, RowSlice, SendBatch, Submission
from serving.batching.explanation import BatcherFacts, explained
from serving.batching.isolation import halves
from serving.batching.lanes import LaneReserves
from serving.batching.queues import LaneQueue, Queue, Request
from serving.batching.window import Verdict
from serving.errors import (
    BackendOverloaded,
    BackendUnavailable,
    Cancelled,
    DeadlineExceeded,
    PenstockError,
)

LATE = {
    Verdict.LATE_ANYHOW: "the answer could not have been there before the deadline",
    Verdict.SLID_PAST: "there was more to do than could be answered before the deadline",
}

AWAITED = 4.0
"""A call is awaited for so many times its prediction, though its members may be told before that they are too late:
what it took is to be learned, and until it ends the device has no time for another.
"""


@dataclass(slots=True)
class _InFlight:
    batch: SendBatch
    queue: Queue
    requests: Sequence[Request]
    sent_at_seconds: float
    predicted_seconds: float | None


class BatchingCore:
    """Queues of one backend and its pool of slots. Every admitted request ends exactly once.

    `slots` is how many batches may be in flight; with `most_slots` it is where the search for the best number starts.
    """

    def __init__(self, *, max_batch_rows: int, slots: int, limits: QueueLimits, most_slots: int | None = None) -> None:
        self._depth = Depth(slots, most_slots)
        self._backlog = Backlog(max_batch_rows)
        self._door = Door(limits, self._backlog, slots)
        self._reserves = LaneReserves()
        self._in_flight: dict[int, _InFlight] = {}
        self._halves: deque[tuple[Queue, tuple[RowSlice, ...]]] = deque()  # of rejected batches, to be sent anew
        self._batches = count()
        self._wake_seconds = inf

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    @property
    def slots(self) -> int:
        """K: how many batches may be in flight now."""
        return self._depth.slots

    @property
    def queued_rows(self) -> int:
        return self._backlog.rows

    @property
    def queued_bytes(self) -> int:
        return self._backlog.nbytes

    @property
    def has_rows_to_send(self) -> bool:
        return self._backlog.rows > 0 or bool(self._halves)

    @property
    def load(self) -> Load:
        return self._door.load

    def cost_seconds(self, key: QueueKey, rows: int) -> float | None:
        """The predicted time of a call of `rows` rows; None while nothing is known."""
        queue = self._backlog.queues.get(key)
        return None if queue is None else queue.cost.seconds(rows)

    def explain(self, now: float) -> BatcherFacts:
        """What was learned and chosen, for people to read."""
        facts = explained(self._backlog.queues.values(), self._depth, self.in_flight, self.load, now)
        return replace(facts, shed_before=dict(self._backlog.shed_before))

    def forget(self, is_live: Callable[[Target], bool], before: float) -> None:
        """Drop what was learned and counted of targets that are gone and were last called before then."""
        self._backlog.forget(is_live, before)

    def submit(self, submission: Submission, now: float) -> list[Action]:
        """Queue a request, or Reject it at once. `fill_slots` sends it."""
        return self._door.submit(submission, now)

    def turned_away(
        self, key: QueueKey, deadline_seconds: float, lane: Lane, tenant: str, now: float
    ) -> PenstockError | None:
        """What even a request of one row would be refused with; None where one may enter, as far as is known."""
        return self._door.turned_away(key, deadline_seconds, lane, tenant, now)

    def fill_slots(self, now: float, most_batches: int | None = None) -> list[Action]:
        """Fill every free slot: halves of rejected batches first, then whose turn it is; with `most_batches` so many at
        once, for a caller who runs a batch before it asks for the next.
        """
        actions = self.tick(now)
        self._wake_seconds = inf
        free = before = self._depth.slots - len(self._in_flight)
        while free > 0 and (most_batches is None or before - free < most_batches):
            if self._halves and (again := self._next_half(now)) is not None:
                actions.append(again)
            elif not self._backlog.rows or not self._dispatch(now, actions):
                break
            free = self._depth.slots - len(self._in_flight)
        if free > 0 and self._halves:  # held, for their backend is not asked now
            probes = min(queue.breaker.ready_seconds for queue, _ in self._halves)
            self._wake_seconds = min(self._wake_seconds, probes)
        self._door.look_ahead(self._next_free_seconds() if free <= 0 else -inf)
        return actions

    def batch_done(self, batch: int, now: float) -> list[Action]:
        """The backend answered: complete the requests that have all their rows now."""
        flight = self._landed(batch, now)
        completed: list[Action] = []
        open_requests, latency, sample = self._backlog.requests, 0.0, flight.queue.sample
        for request, part in zip(flight.requests, flight.batch.slices, strict=True):
            rows = part.rows
            latency += (now - request.submitted_seconds) * rows
            request.done_rows += rows
            if request.done_rows == request.rows and request.open:
                request.open = False
                del open_requests[request.number]
                completed.append(Complete(request.number))
                if request is sample:
                    flight.queue.sample_done(now)
        self._learn(flight, latency, now)
        return completed

    def batch_failed(self, batch: int, error: PenstockError, now: float) -> list[Action]:
        """The backend failed: its members end with the error, whatever other rows of theirs wait.

        A batch that was rejected for its data is halved instead while it has several members and the budget lasts, so
        that one bad request costs its neighbours a second call and nothing else.
        """
        flight = self._landed(batch, now)
        queue = flight.queue
        if isinstance(error, BackendOverloaded):
            queue.ceiling.exhausted(flight.batch.rows)
            queue.resize(self._depth.slots)
        if isinstance(error, BackendUnavailable):
            queue.breaker.unavailable(now)
        elif isinstance(error, DeadlineExceeded | Cancelled):
            queue.breaker.undecided()
            queue.gave_up(flight.batch.padded_rows, now - flight.sent_at_seconds, self._depth.slots)
        else:
            queue.breaker.answered()
        again = halves(flight.batch.slices, error, queue.budget)
        if again:
            self._halves.extend((queue, half) for half in again)
            return []
        members = {request: None for request in flight.requests if request.open}
        if queue.breaker.shut:
            members |= dict.fromkeys(self._backlog.waiting_for(queue.breaker))
        for request in members:
            self._backlog.end(request)
        return [Reject(request.number, error) for request in members]

    def cancel(self, request: int) -> None:
        """Nobody waits for this request any more; its queued rows are dropped, its answers will be too."""
        if (gone := self._backlog.requests.get(request)) is not None:
            self._backlog.end(gone)

    def tick(self, now: float) -> list[Action]:
        """Reject whatever is out of time, queued or in flight."""
        late: list[Action] = []
        for request in self._backlog.expired(now):
            if request.waiting_rows:
                request.flow.lane_queue.queue.shed["expired"] += 1
            self._backlog.end(request)
            late.append(Reject(request.number, DeadlineExceeded("the deadline passed before the answer was there")))
        return late

    def next_deadline_seconds(self) -> float | None:
        """When `fill_slots` has something to do at the earliest that nothing else will tell: a deadline, the end of a
        wait for company, a backend to probe. None while nobody waits for anything.
        """
        held = self._wake_seconds if self._backlog.requests else inf  # who was held may have left since
        due = min(self._backlog.next_deadline_seconds(), held)
        return None if due == inf else due

    def _next_turn(self, waiting: Sequence[Lane], now: float) -> LaneQueue | None:
        """Whose rows lead the next batch: the lane by its reserve, in it the queue by its turn. None where all that
        wait are held; then it is known until when.
        """
        for lane in self._reserves.order(waiting):
            lead = self._backlog.turns[lane].turn(lambda one: one.queue.ready_seconds() <= now)
            if lead is not None:
                return lead
        self._wake_seconds = min(queue.ready_seconds() for queue in self._backlog.waiting_queues())
        return None

    def _dispatch(self, now: float, actions: list[Action]) -> bool:
        """Send the next batch, and tell those whom it leaves behind. False when nobody may go."""
        waiting = self._backlog.waiting_lanes()
        lead = self._next_turn(waiting, now)
        if lead is None:
            return False
        queue = lead.queue
        aged = [lane.lane for lane in queue.lanes if lane.rows and lane.head().is_impatient(now)] if waiting[1:] else ()
        assembly = put_together(queue, lead, now)
        for request, rows, verdict in assembly.dropped:
            queue.shed[verdict.name.lower()] += 1
            self._backlog.dropped(request, rows)
            actions.append(Reject(request.number, DeadlineExceeded(LATE[verdict])))
        if assembly.rows:
            batch = self._send(queue, assembly.slices, assembly.requests, assembly.deadline_seconds, now)
            seconds = queue.cost.seconds(batch.padded_rows) or 0.0
            self._backlog.turns[lead.lane].spend(lead, max(seconds, QUEUE_QUANTUM_SECONDS))
            if len(waiting) > 1:
                self._reserves.spend(seconds, waiting, assembly.riding, aged)
            self._backlog.sent(queue, assembly.rows, assembly.nbytes)
            queue.sent(assembly.requests[0], assembly.rows, now)
            actions.append(batch)
        return assembly.rows > 0 or bool(assembly.dropped)

    def _send(
        self, queue: Queue, slices: Sequence[RowSlice], requests: Sequence[Request], deadline: float, now: float
    ) -> SendBatch:
        rows = sum(part.rows for part in slices)
        padded_rows = call_rows(rows, queue.key.rules.allowed_rows)
        predicted = queue.cost.seconds(padded_rows)
        until = max(deadline, now + AWAITED * (predicted or 0.0))
        batch = SendBatch(next(self._batches), queue.key, tuple(slices), until, padded_rows, rows)
        self._in_flight[batch.batch] = _InFlight(batch, queue, requests, now, predicted)
        queue.in_flight += 1
        queue.breaker.sent()
        return batch

    def _next_half(self, now: float) -> SendBatch | None:
        """A half of a rejected batch, without those who are gone or would be late."""
        for _ in range(len(self._halves)):
            queue, half = self._halves.popleft()
            if queue.breaker.ready_seconds > now:
                self._halves.append((queue, half))
                continue
            alive = [part for part in half if part.request in self._backlog.requests]
            if alive:
                requests = [self._backlog.requests[part.request] for part in alive]
                return self._send(queue, alive, requests, max(one.deadline_seconds for one in requests), now)
        return None

    def _landed(self, batch: int, now: float) -> _InFlight:
        flight = self._in_flight.pop(batch)
        flight.queue.in_flight -= 1
        flight.queue.last_call_seconds = now
        return flight

    def _learn(self, flight: _InFlight, latency_seconds: float, now: float) -> None:
        """What a good call teaches."""
        queue, batch, seconds = flight.queue, flight.batch, now - flight.sent_at_seconds
        queue.breaker.answered()
        queue.budget.earn()
        if flight.predicted_seconds is not None:
            queue.calls.observe(flight.predicted_seconds, seconds)
        held_up = self._backlog.rows > 0 and len(self._in_flight) + 1 >= self._depth.slots
        if self._depth.batch_done(latency_seconds, batch.rows, held_up=held_up):
            self._door.slots = self._depth.slots
            for other in self._backlog.queues.values():
                other.resize(self._depth.slots)
        is_news = queue.cost.observe(batch.padded_rows, seconds, now)
        if queue.ceiling.done(batch.rows) or is_news:
            queue.resize(self._depth.slots)

    def _next_free_seconds(self) -> float:
        """When the first slot should be free again, with the margin; now, where a call's time is unknown."""
        return min(
            flight.sent_at_seconds + MARGIN * (flight.predicted_seconds or 0.0) for flight in self._in_flight.values()
        )
