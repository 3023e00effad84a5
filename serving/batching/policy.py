"""The batching core: events in, actions out. No asyncio, no clock, no I/O, no arrays.

Rules (docs/batching.md): a free slot never waits while a row does (1); a batch lives as long as its most patient
member (7); requests larger than a batch are cut and reassembled (9); a batch that the backend rejects is halved until
the guilty request is alone (10); who has gone is skipped (11).
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import count

from serving.batching.admission import Load, QueueLimits, refusal
from serving.batching.events import Action, Complete, QueueKey, Reject, RowSlice, SendBatch, Submission
from serving.errors import BackendRejected, DeadlineExceeded, PenstockError

FORGETTING = 0.1
"""Weight of the newest batch in the moving mean of the time a row takes."""
DEADLINES_KEPT = 1024
"""Deadlines of answered requests stay in the heap until they pass or until there are many more than open ones."""


@dataclass(slots=True)
class _Request:
    submission: Submission
    sent_rows: int = 0
    done_rows: int = 0

    @property
    def waiting_rows(self) -> int:
        return self.submission.rows - self.sent_rows


@dataclass(slots=True)
class _InFlight:
    batch: SendBatch
    sent_at_seconds: float


class BatchingCore:
    """Queues of one backend and its pool of slots. Every admitted request ends exactly once."""

    def __init__(self, *, max_batch_rows: int, slots: int, limits: QueueLimits) -> None:
        self._max_batch_rows = max_batch_rows
        self._slots = slots
        self._limits = limits
        self._requests: dict[int, _Request] = {}
        self._queues: dict[QueueKey, OrderedDict[int, int]] = {}  # requests with rows to send, each with its place
        self._in_flight: dict[int, _InFlight] = {}
        self._halves: deque[tuple[QueueKey, tuple[RowSlice, ...]]] = deque()  # of rejected batches, to be sent anew
        self._deadlines: list[tuple[float, int]] = []
        self._places, self._batches = count(), count()
        self._seconds_per_row = 0.0
        self.queued_rows = 0
        self.queued_bytes = 0

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    @property
    def load(self) -> Load:
        return Load(self.queued_rows, self.queued_bytes, self._seconds_per_row / self._slots)

    def submit(self, submission: Submission, now: float) -> list[Action]:
        """Queue a request, or Reject it at once. `fill_slots` sends it."""
        error = refusal(submission.rows, submission.nbytes, self.load, self._limits)
        if error is None and submission.deadline_seconds <= now:
            error = DeadlineExceeded("the deadline passed before the request was queued")
        if error is not None:
            return [Reject(submission.request, error)]
        self._requests[submission.request] = _Request(submission)
        self._queues.setdefault(submission.key, OrderedDict())[submission.request] = next(self._places)
        self._remember_deadline(submission)
        self.queued_rows += submission.rows
        self.queued_bytes += submission.nbytes
        return []

    def fill_slots(self, now: float) -> list[Action]:
        """Fill every free slot: halves of rejected batches first, then the longest-waiting queue's rows."""
        actions = self.tick(now)
        while len(self._in_flight) < self._slots and (chosen := self._next_rows()) is not None:
            key, slices = chosen
            deadline = max(self._requests[part.request].submission.deadline_seconds for part in slices)
            batch = SendBatch(next(self._batches), key, slices, deadline)
            self._in_flight[batch.batch] = _InFlight(batch, now)
            actions.append(batch)
        return actions

    def batch_done(self, batch: int, now: float) -> list[Action]:
        """The backend answered: complete the requests that have all their rows now."""
        flight = self._in_flight.pop(batch)
        self._learn(flight, now)
        completed: list[Action] = []
        for part in flight.batch.slices:
            request = self._requests.get(part.request)
            if request is None:
                continue  # it ran out of time or patience meanwhile
            request.done_rows += part.rows
            if request.done_rows == request.submission.rows:
                self._forget(part.request)
                completed.append(Complete(part.request))
        return completed

    def batch_failed(self, batch: int, error: PenstockError) -> list[Action]:
        """The backend failed: its members end with the error, whatever other rows of theirs wait.

        A batch that was rejected for its data is halved instead while it has several members, so that one bad request
        costs its neighbours a second call and nothing else.
        """
        flight = self._in_flight.pop(batch)
        slices = flight.batch.slices
        if isinstance(error, BackendRejected) and len(slices) > 1:
            middle = len(slices) // 2
            self._halves.extend((flight.batch.key, half) for half in (slices[:middle], slices[middle:]))
            return []
        members = [part.request for part in flight.batch.slices if part.request in self._requests]
        for member in members:
            self._forget(member)
        return [Reject(member, error) for member in members]

    def cancel(self, request: int) -> None:
        """Nobody waits for this request any more; its queued rows are dropped, its answers will be too."""
        if request in self._requests:
            self._forget(request)

    def tick(self, now: float) -> list[Action]:
        """Reject whatever is out of time, queued or in flight."""
        late: list[Action] = []
        while self._deadlines and self._deadlines[0][0] <= now:
            _, request = heappop(self._deadlines)
            if request in self._requests:
                self._forget(request)
                late.append(Reject(request, DeadlineExceeded("the deadline passed before the answer was there")))
        return late

    def next_deadline_seconds(self) -> float | None:
        """When `tick` has something to do at the earliest; None while nobody waits for anything."""
        while self._deadlines and self._deadlines[0][1] not in self._requests:
            heappop(self._deadlines)
        return self._deadlines[0][0] if self._deadlines else None

    def _next_rows(self) -> tuple[QueueKey, tuple[RowSlice, ...]] | None:
        while self._halves:
            key, half = self._halves.popleft()
            if alive := tuple(part for part in half if part.request in self._requests):
                return key, alive
        key_waiting = self._next_queue()
        return None if key_waiting is None else (key_waiting, tuple(self._take(key_waiting)))

    def _next_queue(self) -> QueueKey | None:
        """The queue whose head has waited longest."""
        return min(self._queues, key=lambda key: next(iter(self._queues[key].values())), default=None)

    def _take(self, key: QueueKey) -> Iterator[RowSlice]:
        """Rows for one batch, oldest first. A request larger than a batch gives what fits and queues anew behind
        the others, so that it takes one slot at a time while others wait.
        """
        most = self._most_rows(key)
        queue, room = self._queues[key], most
        while queue and room:
            request = self._requests[next(iter(queue))]
            submission = request.submission
            if request.waiting_rows > room and submission.rows <= most:
                return
            rows = min(request.waiting_rows, room)
            yield RowSlice(submission.request, request.sent_rows, rows)
            request.sent_rows += rows
            self.queued_rows -= rows
            room -= rows
            if request.waiting_rows:
                queue[submission.request] = next(self._places)
                queue.move_to_end(submission.request)
            else:
                self._leave_queue(submission)

    def _most_rows(self, key: QueueKey) -> int:
        """The largest size allowed within `max_batch_rows`; one that is smaller than any allowed size is filled up."""
        if not key.rules.allowed_rows:
            return self._max_batch_rows
        within = [size for size in key.rules.allowed_rows if size <= self._max_batch_rows]
        return within[-1] if within else self._max_batch_rows

    def _remember_deadline(self, submission: Submission) -> None:
        if len(self._deadlines) > DEADLINES_KEPT + 4 * len(self._requests):  # nearly all of them were met
            self._deadlines = [entry for entry in self._deadlines if entry[1] in self._requests]
            heapify(self._deadlines)
        heappush(self._deadlines, (submission.deadline_seconds, submission.request))

    def _forget(self, request: int) -> None:
        gone = self._requests.pop(request)
        if gone.waiting_rows:
            self.queued_rows -= gone.waiting_rows
            self._leave_queue(gone.submission)

    def _leave_queue(self, gone: Submission) -> None:
        queue = self._queues[gone.key]
        del queue[gone.request]
        if not queue:
            del self._queues[gone.key]
        self.queued_bytes -= gone.nbytes

    def _learn(self, flight: _InFlight, now: float) -> None:
        sample = (now - flight.sent_at_seconds) / flight.batch.rows
        weight = FORGETTING if self._seconds_per_row else 1.0
        self._seconds_per_row += weight * (sample - self._seconds_per_row)
