"""The door: every submission is admitted or refused here, with what the rules say about room, time and the backend.

Pure. What it needs to know of the slots and of the other queues is looked up once per dispatch, not per request.
"""

from math import inf

from serving.batching import admission
from serving.batching.admission import MARGIN, Load, QueueLimits
from serving.batching.backlog import Backlog
from serving.batching.events import Action, Lane, Reject, Submission
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
        backlog, limits, rows = self._backlog, self._limits, submission.rows
        queue = backlog.queues.get(submission.key)
        if queue is None:
            queue = backlog.open_queue(submission.key, now)
            queue.resize(self.slots)
        queue.flux.arrived_rows += rows
        told: list[Action] = []
        if rows < 1 or backlog.rows + rows > limits.max_rows or backlog.nbytes + submission.nbytes > limits.max_bytes:
            told = self._make_room(submission)
            if (refusal := admission.refusal(rows, submission.nbytes, self.load, limits)) is not None:
                return [*told, _refused(queue, submission, "no_room", refusal)]
        if submission.deadline_seconds <= now:
            late = DeadlineExceeded("the deadline passed before the request was queued")
            return [*told, _refused(queue, submission, "expired", late)]
        if queue.breaker.shut and now < queue.breaker.probe_seconds:
            gone = BackendUnavailable("the backend did not answer lately; it will be asked again soon")
            return [*told, _refused(queue, submission, "breaker", gone)]
        is_trial = False
        if queue.is_learned:
            start, ahead = self._start_seconds(queue, now), self._rows_ahead(queue, submission) if queue.rows else 0
            finish = queue.pace.finish_seconds(start, ahead, rows)
            if finish > submission.deadline_seconds and not self._fits_alone(submission, queue, ahead, now):
                if queue.is_trusted(now):
                    late_too = admission.too_late(finish, submission.deadline_seconds, self.load, now)
                    return [*told, _refused(queue, submission, "too_late", late_too)]
                is_trial = True
        request = backlog.enter(queue, submission, now)
        request.is_trial = is_trial
        if queue.is_learned and queue.wants_sample:
            queue.take_sample(request, queue.expected_seconds(start, ahead, rows))
        return told

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
        backlog, limits, told = self._backlog, self._limits, list[Action]()
        if submission.rows > limits.max_rows or submission.nbytes > limits.max_bytes:
            return told
        queue = backlog.queues[submission.key]
        own = queue.lanes[submission.lane].flows.get(submission.tenant)
        own_rows = (own.rows if own is not None else 0) + submission.rows
        while backlog.rows + submission.rows > limits.max_rows or backlog.nbytes + submission.nbytes > limits.max_bytes:
            if self._longest is None or not self._longest.rows:
                self._longest = longest(backlog.flows(Lane.HIGH))
            flow = self._longest
            if flow is None or flow is own or flow.lane_queue.lane < submission.lane or flow.rows <= own_rows:
                return told
            newest = flow.newest()
            error = Overloaded(
                "the queue is full, and this caller has most waiting", retry_after_seconds=self.load.drain_seconds
            )
            flow.lane_queue.queue.shed["longest_tenant"] += 1
            backlog.end(newest)
            told.append(Reject(newest.number, error))
        return told


def _refused(queue: Queue, submission: Submission, rule: str, error: PenstockError) -> Reject:
    queue.shed[rule] += 1
    return Reject(submission.request, error)
