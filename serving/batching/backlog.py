"""The books of what waits: every open request, its queue, whose turn it is, and the deadlines to watch.

Pure. Decides nothing: rules ask it and tell it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from math import inf

from serving.backend_protocol import Target
from serving.batching.breaker import Breaker
from serving.batching.events import Lane, QueueKey, Submission
from serving.batching.fairness import DeficitRoundRobin
from serving.batching.queues import Flow, LaneQueue, Queue, Request

DEADLINES_KEPT = 1024
"""Deadlines of answered requests stay in the heap until they pass or until there are many more than open ones."""
QUEUES_KEPT = 256
"""Idle queues past so many are forgotten, with what was learned of them: those opened first go first."""
LANES = tuple(Lane)
QUEUE_QUANTUM_SECONDS = 0.0001
"""Queues take turns by the device's time, in steps this small: batches of equal cost go in turn."""


class Backlog:
    """Open requests, queued or in flight. Rows and bytes are those that wait for a slot."""

    def __init__(self, max_batch_rows: int) -> None:
        self._max_batch_rows = max_batch_rows
        self._breakers: dict[Target, Breaker] = {}
        self._deadlines: list[tuple[float, int]] = []
        self.requests: dict[int, Request] = {}
        self.queues: dict[QueueKey, Queue] = {}
        self.shed_before: Counter[tuple[Target, str]] = Counter()  # of queues that were forgotten, by rule
        self.turns: tuple[DeficitRoundRobin[LaneQueue], ...] = tuple(
            DeficitRoundRobin(QUEUE_QUANTUM_SECONDS) for _ in Lane
        )
        self.rows = 0
        self.nbytes = 0

    def open_queue(self, key: QueueKey, now: float) -> Queue:
        """A queue for a key that has none."""
        if len(self.queues) >= QUEUES_KEPT:
            self._drop(self._idle()[: len(self.queues) - QUEUES_KEPT + 1])
        breaker = self._breakers.setdefault(key.target, Breaker())
        queue = self.queues[key] = Queue(key, self._max_batch_rows, breaker, now)
        return queue

    def forget(self, is_live: Callable[[Target], bool], before: float) -> None:
        """What was learned of targets that are gone and were last called before then, and what was counted of them."""
        if over := [one for one in self._idle() if one.last_call_seconds < before and not is_live(one.key.target)]:
            self._drop(over)
            kept = {queue.key.target for queue in self.queues.values()}
            for target, rule in list(self.shed_before):
                if target not in kept and not is_live(target):
                    del self.shed_before[target, rule]

    def _idle(self) -> list[Queue]:
        return [queue for queue in self.queues.values() if not queue.rows and not queue.in_flight]

    def _drop(self, queues: Sequence[Queue]) -> None:
        for queue in queues:
            del self.queues[queue.key]
            self.shed_before.update({(queue.key.target, rule): number for rule, number in queue.shed.items()})
        targets = {queue.key.target for queue in self.queues.values()}
        self._breakers = {target: one for target, one in self._breakers.items() if target in targets}

    def enter(self, queue: Queue, submission: Submission, now: float) -> Request:
        """The submission waits from now on."""
        lane_queue = queue.lanes[submission.lane]
        flow = lane_queue.flows.get(submission.tenant) or lane_queue.flow(submission.tenant)
        request = Request(submission, flow, now)
        rows = request.rows
        if not lane_queue.rows:
            self.turns[lane_queue.lane].join(lane_queue)
        flow.requests.append(request)
        flow.rows += rows
        lane_queue.rows += rows
        queue.rows += rows
        self.rows += rows
        self.nbytes += request.nbytes
        self.requests[request.number] = request
        if len(self._deadlines) > DEADLINES_KEPT + 4 * len(self.requests):  # nearly all of them were met
            self._deadlines = [entry for entry in self._deadlines if entry[1] in self.requests]
            heapify(self._deadlines)
        heappush(self._deadlines, (request.deadline_seconds, request.number))
        return request

    def end(self, request: Request) -> None:
        """Nobody waits for it any more; what of it was not sent never will be."""
        request.open = False
        del self.requests[request.number]
        if waiting := request.waiting_rows:
            flow = request.flow
            flow.discard(request)
            self.rows -= waiting
            self.nbytes -= request.nbytes
            if not flow.rows:
                flow.lane_queue.close(flow)
                self.settle(flow.lane_queue)

    def dropped(self, request: Request, rows: int) -> None:
        """It was left behind with so many rows, which its queue no longer counts."""
        request.open = False
        del self.requests[request.number]
        self.rows -= rows
        self.nbytes -= request.nbytes
        self.settle(request.flow.lane_queue)

    def sent(self, queue: Queue, rows: int, nbytes: int) -> None:
        """So many rows left the queue, and as many bytes went with their last ones."""
        self.rows -= rows
        self.nbytes -= nbytes
        for lane_queue in queue.lanes:
            self.settle(lane_queue)

    def settle(self, lane_queue: LaneQueue) -> None:
        """A lane without rows takes no turns."""
        turns = self.turns[lane_queue.lane]
        if not lane_queue.rows and lane_queue in turns.members:
            turns.leave(lane_queue)
            if not lane_queue.queue.rows:
                lane_queue.queue.backlog_seconds = 0.0

    def expired(self, now: float) -> list[Request]:
        """Open requests whose deadline has passed; each is told of once."""
        late = []
        while self._deadlines and self._deadlines[0][0] <= now:
            request = self.requests.get(heappop(self._deadlines)[1])
            if request is not None:
                late.append(request)
        return late

    def next_deadline_seconds(self) -> float:
        while self._deadlines and self._deadlines[0][1] not in self.requests:
            heappop(self._deadlines)
        return self._deadlines[0][0] if self._deadlines else inf

    def waiting_lanes(self) -> Sequence[Lane]:
        return [lane for lane in LANES if self.turns[lane].members]

    def waiting_queues(self) -> list[Queue]:
        """Queues with rows, each once."""
        return list({lane_queue.queue: None for turns in self.turns for lane_queue in turns.members})

    def waiting_for(self, breaker: Breaker) -> list[Request]:
        """Every request with rows that wait for the target of this breaker."""
        lanes = [lane for queue in self.waiting_queues() if queue.breaker is breaker for lane in queue.lanes]
        flows = [flow for lane in lanes for flow in lane.flows.values()]
        return [request for flow in flows for request in flow.requests if request.waiting_rows]

    def flows(self, least_lane: Lane) -> Iterator[Flow]:
        """Who waits in this lane or a less urgent one."""
        for turns in self.turns[least_lane:]:
            for lane_queue in turns.members:
                yield from lane_queue.flows.values()
