"""What waits and where: a queue per key, in it a lane per urgency, in it a flow per tenant, first come first served.

Pure. Rows are counted at every level, so that no rule has to look through requests to know how many wait.
"""

from collections import Counter, deque
from math import inf

from serving.batching.accuracy import Accuracy
from serving.batching.admission import MARGIN, TRUSTED_SECONDS, Pace
from serving.batching.batch_size import Ceiling, LargestBatch, explored, largest_batch, worthwhile
from serving.batching.breaker import Breaker
from serving.batching.cost_model import CostModel, buckets_of
from serving.batching.events import Lane, QueueKey, Submission
from serving.batching.fairness import DeficitRoundRobin
from serving.batching.isolation import RetryBudget
from serving.batching.window import PATIENCE_SPENT, Flux

TENANT_QUANTUM_ROWS = 1.0
"""Tenants take turns row by row; a request is never cut for it, its tenant waits the longer afterwards."""
GHOSTS_KEPT = 64
"""Requests that left early stay in their flow's line until they come up, or until they are this many and half of it."""
PATIENCE_WEIGHT = 0.05
LEARNING_CALLS = 4
"""Nobody is refused or dropped for what so few calls say: the first ones are the slowest, and say little of others."""


class Request:
    """One admitted request. `deadline_seconds` and the other times are on the core's clock."""

    __slots__ = (
        "deadline_seconds",
        "done_rows",
        "flow",
        "is_trial",
        "nbytes",
        "number",
        "open",
        "predicted_seconds",
        "rows",
        "submitted_seconds",
        "waiting_rows",
    )

    def __init__(self, submission: Submission, flow: "Flow", now: float) -> None:
        self.number = submission.request
        self.rows = self.waiting_rows = submission.rows
        self.nbytes = submission.nbytes
        self.deadline_seconds = submission.deadline_seconds
        self.submitted_seconds = now
        self.flow = flow
        self.done_rows = 0
        self.open = True
        self.is_trial = False
        self.predicted_seconds: float | None = None

    def is_impatient(self, now: float) -> bool:
        """More than half of what it would wait has passed."""
        return now - self.submitted_seconds > PATIENCE_SPENT * (self.deadline_seconds - self.submitted_seconds)


class Flow:
    """One tenant's requests in one lane of one queue. Its turns are counted in rows: they all cost the same here."""

    __slots__ = ("deficit", "ghosts", "lane_queue", "requests", "rows", "tenant")

    def __init__(self, tenant: str, lane_queue: "LaneQueue") -> None:
        self.tenant = tenant
        self.lane_queue = lane_queue
        self.requests: deque[Request] = deque()
        self.rows, self.ghosts, self.deficit = 0, 0, 0.0

    def discard(self, request: Request) -> None:
        """Its waiting rows will not be sent."""
        self.took(request.waiting_rows)
        request.waiting_rows = 0
        self.ghosts += 1
        if self.ghosts > GHOSTS_KEPT and 2 * self.ghosts > len(self.requests):
            self.requests = deque(one for one in self.requests if one.waiting_rows)
            self.ghosts = 0

    def took(self, rows: int) -> None:
        self.rows -= rows
        self.lane_queue.rows -= rows
        self.lane_queue.queue.rows -= rows

    def head(self) -> Request:
        """The request that is next; there is one while there are rows."""
        while not self.requests[0].waiting_rows:
            self.requests.popleft()
            self.ghosts -= 1
        return self.requests[0]

    def newest(self) -> Request:
        """The request that came last; there is one while there are rows."""
        while not self.requests[-1].waiting_rows:
            self.requests.pop()
            self.ghosts -= 1
        return self.requests[-1]


class LaneQueue:
    """One lane of a queue. Its turns among the queues are counted in seconds of the device."""

    __slots__ = ("deficit", "flows", "lane", "queue", "rows", "turns")

    def __init__(self, lane: Lane, queue: "Queue") -> None:
        self.lane, self.queue = lane, queue
        self.rows, self.deficit = 0, 0.0
        self.flows: dict[str, Flow] = {}
        self.turns: DeficitRoundRobin[Flow] = DeficitRoundRobin(TENANT_QUANTUM_ROWS)

    def flow(self, tenant: str) -> Flow:
        """The tenant's, opened when it has none."""
        flow = self.flows.get(tenant)
        if flow is None:
            flow = self.flows[tenant] = Flow(tenant, self)
            self.turns.join(flow)
        return flow

    def close(self, flow: Flow) -> None:
        """Nothing of it waits any more."""
        del self.flows[flow.tenant]
        self.turns.leave(flow)

    def head(self) -> Request:
        """The request whose turn it is, near enough the one that has waited longest."""
        return next(flow for flow in self.turns.members if flow.rows).head()


class Queue:
    """Requests that may share a batch, and all that is known of their batches."""

    def __init__(self, key: QueueKey, most_rows: int, breaker: Breaker, now: float) -> None:
        allowed = key.rules.allowed_rows
        self.key = key
        self.breaker = breaker
        self.lanes = tuple(LaneQueue(lane, self) for lane in Lane)
        self.rows = 0
        self.in_flight = 0
        self.most_rows = min(most_rows, key.rules.max_rows or most_rows)
        self.ceiling = Ceiling(self.most_rows)
        self.cost = CostModel(buckets_of(self.most_rows, allowed))
        self.budget = RetryBudget()
        self.flux = Flux(now)
        self.patience_seconds: float | None = None
        self.backlog_seconds = 0.0
        self.last_call_seconds = -inf
        self.sample: Request | None = None
        self.calls, self.latency = Accuracy(), Accuracy()
        self.shed: Counter[str] = Counter()
        self.largest = LargestBatch(self.most_rows, "")
        self.pace = Pace(1, 0.0, 0.0, 1)
        self.batch_seconds = 0.0
        self.given_up = 0
        self.is_learned = False

    def resize(self, slots: int) -> None:
        """Choose B anew, and what the door needs to know of it: after the cost model, the ceiling or K changed."""
        rules, p95 = self.key.rules, self.cost.p95_seconds
        most = min(self.most_rows, self.ceiling.rows)
        chosen = largest_batch(most, rules.allowed_rows, p95, rules.objective_seconds)
        if self.patience_seconds is not None:
            by_patience = largest_batch(most, rules.allowed_rows, p95, self.patience_seconds / MARGIN)
            by_patience = worthwhile(by_patience, most, rules.allowed_rows, self.cost.seconds)
            if by_patience.rows < chosen.rows:
                chosen = LargestBatch(by_patience.rows, f"{by_patience.reason}, what callers wait at most")
        if self.ceiling.lowered and chosen.rows == most:
            chosen = LargestBatch(chosen.rows, "the backend had no room for more")
        unseen = 0 < self.cost.seen_rows <= chosen.rows
        self.largest = explored(chosen, most, rules.allowed_rows) if unseen else chosen
        self.batch_seconds = self.cost.seconds(chosen.rows) or 0.0
        careful = max(MARGIN * self.batch_seconds, self.cost.p95_seconds(chosen.rows) or 0.0)
        self.pace = Pace(chosen.rows, MARGIN * self.batch_seconds, careful, slots)
        self.is_learned = self.cost.calls > 0 and self.cost.calls + self.given_up >= LEARNING_CALLS

    def gave_up(self, rows: int, seconds: float, slots: int) -> None:
        """A call of so many rows had not ended after so long. Calls that never do must not keep predictions from coming
        into force: a core without them sends what cannot end in time, and so learns nothing ever.
        """
        self.given_up += 1
        if self.cost.outlasted(rows, seconds) or not self.is_learned:
            self.resize(slots)

    def is_trusted(self, now: float) -> bool:
        """Whether calls bear its predictions out: one ended lately, or is under way."""
        return self.in_flight > 0 or self.rows > 0 or now - self.last_call_seconds <= TRUSTED_SECONDS

    def ready_seconds(self) -> float:
        """From when on a batch may be sent; in the past when it may now."""
        wait = self.key.rules.max_wait_seconds
        if not self.breaker.closed or not wait or self.rows >= self.largest.rows:
            return self.breaker.ready_seconds
        heads = [lane.head() for lane in self.lanes if lane.rows]
        spare = MARGIN * (self.cost.seconds(self.rows) or 0.0)
        return min(min(head.submitted_seconds + wait, head.deadline_seconds - spare) for head in heads)

    def waiting_seconds(self) -> float:
        """The device's time that its waiting rows need, slots aside."""
        return self.rows / self.pace.batch_rows * self.batch_seconds

    def sent(self, first: Request, rows: int, now: float) -> None:
        """A batch left, `first` being its first member: one of each is asked how long callers would wait."""
        patience, before = first.deadline_seconds - first.submitted_seconds, self.patience_seconds
        self.patience_seconds = patience if before is None else before + PATIENCE_WEIGHT * (patience - before)
        self.flux.sent_rows += rows
        self.flux.measure(now, self.pace.batch_seconds)

    @property
    def wants_sample(self) -> bool:
        return self.sample is None or not self.sample.open

    def expected_seconds(self, start_seconds: float, rows_ahead: int, rows: int) -> float:
        """When `rows` behind `rows_ahead` should be answered: the door's prediction without its margin."""
        batches, beside = divmod(rows_ahead, self.pace.batch_rows)
        own = self.cost.seconds(min(self.pace.batch_rows, beside + rows)) or 0.0
        return start_seconds + batches * self.pace.interval_seconds / MARGIN + own

    def take_sample(self, request: Request, answered_seconds: float) -> None:
        """Remember when this request should be answered; one at a time."""
        request.predicted_seconds = answered_seconds
        self.sample = request

    def sample_done(self, now: float) -> None:
        sample, self.sample = self.sample, None
        if sample is not None and sample.predicted_seconds is not None:
            since = sample.submitted_seconds
            self.latency.observe(sample.predicted_seconds - since, now - since)
