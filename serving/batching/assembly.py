"""One batch, put together from what waits in a queue: whose rows, how many, and who is left behind.

Pure. It takes the lanes in the order it is given, tenants by turns, and asks the rules one question each: sizes
(batch_size), cuts (chunks), lateness (window).
"""

from math import inf

from serving.batching.batch_size import call_rows, rows_to_send
from serving.batching.chunks import calls_needed, chunk_rows
from serving.batching.events import Lane, RowSlice
from serving.batching.queues import Flow, LaneQueue, Queue, Request
from serving.batching.window import Verdict, rows_in_time, verdict


class Assembly:
    """A batch in the making. Rows that it takes no longer wait; whom it drops is for the core to tell."""

    __slots__ = (
        "_finish_seconds",
        "_now",
        "_queue",
        "_room",
        "deadline_seconds",
        "dropped",
        "nbytes",
        "requests",
        "riding",
        "rows",
        "slices",
    )

    def __init__(self, queue: Queue, now: float) -> None:
        self._queue, self._now = queue, now
        self._room, self._finish_seconds = 0, -inf
        self.requests: list[Request] = []
        self.slices: list[RowSlice] = []
        self.riding: set[Lane] = set()
        self.dropped: list[tuple[Request, int, Verdict]] = []  # with the rows of it that waited
        self.rows = self.nbytes = 0
        self.deadline_seconds = -inf

    def fill(self, goal_rows: int, lead: LaneQueue) -> None:
        """Up to `goal_rows` rows, those of the leading lane first."""
        self._plan(goal_rows)
        lanes = (lead, *(lane for lane in self._queue.lanes if lane is not lead))
        for lane_queue in lanes:
            if lane_queue.rows and self._room > 0:
                before = self.rows
                self._take_turns(lane_queue)
                if self.rows > before:
                    self.riding.add(lane_queue.lane)

    def _plan(self, goal_rows: int) -> None:
        queue = self._queue
        self._room = goal_rows - self.rows
        self._finish_seconds = self._now + self._seconds(goal_rows) if queue.is_learned else -inf

    def _take_turns(self, lane_queue: LaneQueue) -> None:
        turns, stuck = lane_queue.turns, set[Flow]()
        while self._room > 0:
            if len(turns.members) == 1:
                flow: Flow | None = next(iter(turns.members))
            else:
                flow = turns.turn(lambda one: one not in stuck)
            if flow is None or flow in stuck:
                return
            rows = self._take(flow, max(1, self._room // len(turns.members)))
            turns.spend(flow, rows)
            if not flow.rows:
                lane_queue.close(flow)
                if not turns.members:
                    return
            elif not rows:
                stuck.add(flow)

    def _take(self, flow: Flow, share_rows: int) -> int:
        """Rows from the head of a flow until it gave its share; how many."""
        requests, most, before, counted = flow.requests, self._queue.largest.rows, self.rows, self.rows
        while requests and self.rows - before < share_rows and self._room > 0:
            request = requests[0]
            waiting = request.waiting_rows
            if not waiting:
                requests.popleft()
                flow.ghosts -= 1
                continue
            if request.deadline_seconds < self._finish_seconds or waiting > most:
                flow.took(self.rows - counted)
                counted = self.rows
                if not self._in_time(request):
                    if request.waiting_rows:
                        break  # it is left for the next batch
                    requests = flow.requests
                    continue
            rows = chunk_rows(request.rows, waiting, self._room, most)
            if not rows:
                break
            self.slices.append(RowSlice(request.number, request.rows - waiting, rows))
            self.requests.append(request)
            request.waiting_rows = waiting - rows
            requests.popleft()
            if rows == waiting:
                self.nbytes += request.nbytes
            else:
                requests.append(request)  # behind the others
            self.deadline_seconds = max(self.deadline_seconds, request.deadline_seconds)
            self._room -= rows
            self.rows += rows
        flow.took(self.rows - counted)
        return self.rows - before

    def _in_time(self, request: Request) -> bool:
        """Whether a request that would be late as planned rides all the same, in a batch cut to what it can bear."""
        queue, left = self._queue, request.deadline_seconds - self._now
        if request.is_trial or self._finish_seconds == -inf:
            return True
        alone = self._alone_seconds(request)
        if request.deadline_seconds >= self._finish_seconds and alone <= left:
            return True
        overloaded = queue.flux.is_rising or request.is_impatient(self._now)
        kind = verdict(alone, left, overloaded=overloaded)
        if kind is Verdict.CUT:
            own = min(request.waiting_rows, queue.largest.rows)
            rows = max(rows_in_time(left, self.rows + self._room, self._seconds), 0 if self.rows else own)
            if rows < self.rows + own:
                return False
            self._plan(rows)
            return True
        self.dropped.append((request, request.waiting_rows, kind))
        request.flow.discard(request)
        self._plan(min(self.rows + self._room, self.rows + queue.rows))
        return False

    def _alone_seconds(self, request: Request) -> float:
        most = self._queue.largest.rows
        if request.waiting_rows <= most:
            return self._seconds(request.waiting_rows)
        calls = calls_needed(request.waiting_rows, most)
        return self._seconds(most) * (1 + (calls - 1) / self._queue.pace.slots)

    def _seconds(self, rows: int) -> float:
        return self._queue.cost.seconds(call_rows(rows, self._queue.key.rules.allowed_rows)) or 0.0


def put_together(queue: Queue, lead: LaneQueue, now: float) -> Assembly:
    """The next batch of a queue; without rows when all that waited is dropped as late."""
    batch, allowed = Assembly(queue, now), queue.key.rules.allowed_rows
    if not queue.breaker.closed:  # a probe: one request
        batch.fill(min(lead.head().waiting_rows, queue.largest.rows), lead)
        return batch
    waiting = min(queue.rows, queue.largest.rows)
    goal = rows_to_send(waiting, allowed, queue.cost.seconds) if allowed else waiting
    batch.fill(goal, lead)
    if batch.rows < goal < waiting:  # the rows did not come out even, so the larger size it is
        batch.fill(min(batch.rows + queue.rows, waiting), lead)
    return batch
