"""The door: every submission is admitted or refused here, with what the rules say about room, time and the backend.

Pure. What it needs to know of the slots and of the other queues is looked up once per dispatch, not per request.
"""

from math import inf

from serving.batching import admission
from serving.batching.admission import MARGIN, Load, QueueLimits
from serving.batching.backlog import Backlog
from serving.batching.events import Action, Lane, QueueKey, Reject, Submission
from serving.batching.fairness import longest
from serving.batching.queues import Flow, Queue
from serving.errors import BackendUnavailable, DeadlineExceeded, Overloaded, PenstockError

RESERVED_FOR_LOWER = 1.25
"""While lower lanes wait, up to a quarter of the batches may be theirs (lanes.RESERVES)."""


class Door:
    """`slots` is K; `load` what waits."""

    def __init__(self, limits: QueueLimits, backlog: Backlog, slots: int) -> None:
        self._limits = limits
        self._backlog = backlog
        self._free_seconds = -inf
        self._total_seconds = 0.0
        self._waiting_queues = 0
        self._longest: Flow | None = None
        self.slots = slots

    @property
    def load(self) -> Load:
        drain = sum(queue.waiting_seconds() for queue in self._backlog.waiting_queues()) / self.slots
        return Load(self._backlog.rows, self._backlog.nbytes, drain)

    def look_ahead(self, free_seconds: float) -> None:
        """After each dispatch: when a slot should be free, and how much the device has to do for each queue."""
        self._free_seconds = free_seconds
        self._longest = None
        queues = self._backlog.waiting_queues() if self._backlog.rows else ()
        self._waiting_queues = len(queues)
        self._total_seconds = 0.0
        for queue in queues:
            queue.backlog_seconds = queue.waiting_seconds()
            self._total_seconds += queue.backlog_seconds

    def submit(self, submission: Submission, now: float) -> list[Action]:
        """Queue the submission, or Reject it; requests of a longer queue may have to go for it."""
        backlog, rows = self._backlog, submission.rows
        queue = backlog.queues.get(submission.key)
        if queue is None:
            queue = backlog.open_queue(submission.key, now)
            queue.resize(self.slots)
        queue.flux.arrived_rows += rows
        told = self._make_room(submission) if self._is_full_for(submission) else []
        refused = self._refusal(queue, submission, now)
        if refused is not None:
            rule, error = refused
            queue.shed[rule] += 1
            return [*told, Reject(submission.request, error)]
        expected, is_trial = None, False
        if queue.is_learned:
            is_trial = not queue.is_trusted(now) and self._late_finish_seconds(queue, submission, now) is not None
            if queue.wants_sample:
                start, ahead = self._start_seconds(queue, now), self._rows_ahead(queue, submission)
                expected = queue.expected_seconds(start, ahead, rows)
        request = backlog.enter(queue, submission, now)
        request.is_trial = is_trial
        if expected is not None:
            queue.take_sample(request, expected)
        return told

    def turned_away(
        self, key: QueueKey, deadline_seconds: float, lane: Lane, tenant: str, now: float
    ) -> PenstockError | None:
        """What even a request of one row would hear now; None where it may enter, or others would have to go for it.

        For whoever would spare itself the work of reading a request that is refused anyhow. It counts as refused.
        """
        queue = self._backlog.queues.get(key)
        if queue is None:
            return None
        one = Submission(-1, key, 1, 0, deadline_seconds, lane, tenant)
        if self._is_full_for(one) and self._gives_way(one) is not None:
            return None
        refused = self._refusal(queue, one, now)
        if refused is None:
            return None
        queue.flux.arrived_rows += 1
        queue.shed[refused[0]] += 1
        return refused[1]

    def _refusal(self, queue: Queue, submission: Submission, now: float) -> tuple[str, PenstockError] | None:
        """Which rule keeps it out, and what it hears; None when it may enter."""
        if submission.rows < 1 or self._is_full_for(submission):
            error = admission.refusal(submission.rows, submission.nbytes, self.load, self._limits)
            if error is not None:
                return "no_room", error
        if submission.deadline_seconds <= now:
            return "expired", DeadlineExceeded("the deadline passed before the request was queued")
        if queue.breaker.shut and now < queue.breaker.probe_seconds:
            return "breaker", BackendUnavailable("the backend did not answer lately; it will be asked again soon")
        if queue.is_learned and queue.is_trusted(now):
            finish = self._late_finish_seconds(queue, submission, now)
            if finish is not None:
                return "too_late", admission.too_late(finish, submission.deadline_seconds, self.load, now)
        return None

    def _is_full_for(self, submission: Submission) -> bool:
        backlog, limits, rows = self._backlog, self._limits, submission.rows
        return backlog.rows + rows > limits.max_rows or backlog.nbytes + submission.nbytes > limits.max_bytes

    def _late_finish_seconds(self, queue: Queue, submission: Submission, now: float) -> float | None:
        """When it would be answered, by a careful prediction, where that is after its deadline; None in time."""
        start, ahead = self._start_seconds(queue, now), self._rows_ahead(queue, submission) if queue.rows else 0
        finish = queue.pace.finish_seconds(start, ahead, submission.rows)
        if finish > submission.deadline_seconds and not self._fits_alone(submission, queue, ahead, now):
            return finish
        return None

    def _start_seconds(self, queue: Queue, now: float) -> float:
        """When a slot is free for this queue: after the calls under way, its backend's probe, and its turn among the
        others, each of which has as much of the device as this one wants.
        """
        start = max(now, self._free_seconds)
        if not queue.breaker.closed:
            start = max(start, queue.breaker.probe_seconds)
        others = self._total_seconds - queue.backlog_seconds
        if others > 0.0:
            turns = self._waiting_queues - (queue.backlog_seconds > 0.0)
            start += MARGIN * min(others, turns * (queue.waiting_seconds() + queue.batch_seconds)) / self.slots
        return start

    def _rows_ahead(self, queue: Queue, submission: Submission) -> int:
        """Rows of the queue that are served before the submission's own."""
        lane_queue = queue.lanes[submission.lane]
        flow = lane_queue.flows.get(submission.tenant)
        if flow is not None and flow.rows == queue.rows:
            return flow.rows
        own = (flow.rows if flow is not None else 0) + submission.rows
        ahead = admission.rows_ahead(lane_queue.rows, len(lane_queue.flows) + (flow is None), own)
        ahead += sum(lane.rows for lane in queue.lanes[: submission.lane])
        return (
            int(ahead * RESERVED_FOR_LOWER) if any(lane.rows for lane in queue.lanes[submission.lane + 1 :]) else ahead
        )

    def _fits_alone(self, submission: Submission, queue: Queue, ahead: int, now: float) -> bool:
        """Whether a slot is free at once and the batch that leaves through it is small enough."""
        if self._free_seconds > -inf or self._total_seconds > queue.backlog_seconds or not queue.breaker.closed:
            return False
        rows = ahead + submission.rows
        if rows > queue.pace.batch_rows:
            return False
        return now + MARGIN * (queue.cost.seconds(rows) or 0.0) <= submission.deadline_seconds

    def _make_room(self, submission: Submission) -> list[Action]:
        """Where tenants share, the longest of their queues gives way: its newest requests are shed, as long as it is
        longer than the submission's own would be.
        """
        limits, told = self._limits, list[Action]()
        if submission.rows > limits.max_rows or submission.nbytes > limits.max_bytes:
            return told
        while self._is_full_for(submission) and (flow := self._gives_way(submission)) is not None:
            newest = flow.newest()
            error = Overloaded(
                "the queue is full, and this caller has most waiting", retry_after_seconds=self.load.drain_seconds
            )
            flow.lane_queue.queue.shed["longest_tenant"] += 1
            self._backlog.end(newest)
            told.append(Reject(newest.number, error))
        return told

    def _gives_way(self, submission: Submission) -> Flow | None:
        """The longest flow, where it is longer than the submission's own would be, and no more urgent."""
        if self._longest is None or not self._longest.rows:
            self._longest = longest(self._backlog.flows(Lane.HIGH))
        flow, lanes = self._longest, self._backlog.queues[submission.key].lanes
        own = lanes[submission.lane].flows.get(submission.tenant)
        if flow is None or flow is own or flow.lane_queue.lane < submission.lane:
            return None
        own_rows = (own.rows if own is not None else 0) + submission.rows
        return flow if flow.rows > own_rows else None
