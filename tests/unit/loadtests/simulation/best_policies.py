"""Every schedule of a tiny case, tried; and the window drop of batching by itself, knowing what the device costs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from loadtests.simulation.device import Case, Device
from loadtests.simulation.policies import FirstComeFirstServed
from serving.batching.events import Action, Reject
from serving.errors import DeadlineExceeded


def most_on_time_of_all(arrivals: Sequence[float], device: Device, max_batch_rows: int, patience: float) -> int:
    """Of all orders of all batches, whoever is in them."""

    def most(free: float, left: frozenset[int]) -> int:
        best = 0
        for batch in _batches(left, max_batch_rows):
            ended = max(free, *(arrivals[member] for member in batch)) + device.seconds(len(batch))
            if all(ended <= arrivals[member] + patience for member in batch):
                best = max(best, len(batch) + most(ended, left - batch))
        return best

    return most(0.0, frozenset(range(len(arrivals))))


def least_mean_of_all(arrivals: Sequence[float], device: Device, max_batch_rows: int) -> float:
    def least(free: float, left: frozenset[int]) -> float:
        totals = [0.0] if not left else []
        for batch in _batches(left, max_batch_rows):
            ended = max(free, *(arrivals[member] for member in batch)) + device.seconds(len(batch))
            totals.append(sum(ended - arrivals[member] for member in batch) + least(ended, left - batch))
        return min(totals)

    return least(0.0, frozenset(range(len(arrivals)))) / len(arrivals)


def _batches(members: frozenset[int], max_batch_rows: int) -> Iterator[frozenset[int]]:
    for size in range(1, min(max_batch_rows, len(members)) + 1):
        yield from map(frozenset, combinations(sorted(members), size))


def window_drop(case: Case) -> "WindowDrop":
    return WindowDrop(case.max_batch_rows, device=case.device)


@dataclass(slots=True, kw_only=True)
class WindowDrop(FirstComeFirstServed):
    """Gives up the heads of the queue whose short time left would make the batch smaller than it can be without them.

    Knows what the device costs and keeps no one who cannot be answered in time even alone. Requests are of one row.
    """

    device: Device

    def fill_slots(self, now: float) -> list[Action]:
        actions: list[Action] = []
        while self._queue and len(self._in_flight) < self.slots:
            first, rows = self._largest_window(now)
            actions += [self._given_up(request) for request in list(self._queue)[:first]]
            members = [waiting.submission for waiting in list(self._queue.values())[:rows]]
            actions += [self._batch(members)] if members else []
        return actions

    def _largest_window(self, now: float) -> tuple[int, int]:
        """How many heads to give up, and how many of the rest to send; the fewest given up among equal batches."""
        waiting = [one.submission.deadline_seconds for one in self._queue.values()]
        best = (len(waiting), 0)
        for first, deadline in enumerate(waiting):
            rows = min(self.max_batch_rows, len(waiting) - first)
            while rows > best[1] and now + self.device.seconds(rows) > deadline:
                rows -= 1
            if rows > best[1]:
                best = (first, rows)
        return best

    def _given_up(self, request: int) -> Action:
        self._leave(request)
        return Reject(request, DeadlineExceeded("others can be answered instead"))
