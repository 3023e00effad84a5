"""The books of a storm: each request that was due, and the one way in which it ended.

Filled by the thread that asks, read by the one that makes trouble.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from loadtests.arrivals import Seconds
from tests.integration.chaos.questions import Outcome, Protocol

PROTOCOLS = tuple(Protocol)
WINDOW_SECONDS, STEP_SECONDS = 1.0, 0.1


@dataclass(frozen=True, slots=True)
class Ended:
    """`what` is the status of an answer and the name of its error, or why there is none."""

    outcome: Outcome
    at_seconds: float
    what: str


@dataclass
class Account:
    """`due`: when each request was to be sent; `kinds`: over which of PROTOCOLS. `twice` counts second ends."""

    due: Seconds
    kinds: NDArray[np.int8]
    ended: dict[int, Ended] = field(default_factory=dict)
    twice: int = 0

    def end(self, number: int, ended: Ended) -> None:
        if number in self.ended:
            self.twice += 1
        self.ended[number] = ended

    def numbers_of(self, protocol: Protocol) -> NDArray[np.intp]:
        """Those of the requests over it."""
        return np.flatnonzero(self.kinds == PROTOCOLS.index(protocol))

    def keep(self, asked: NDArray[np.bool_]) -> None:
        """Strikes out requests that nobody came to ask; the others are numbered anew."""
        now = {before: number for number, before in enumerate(np.flatnonzero(asked).tolist())}
        self.due, self.kinds = self.due[asked], self.kinds[asked]
        self.ended = {now[before]: ended for before, ended in self.ended.items()}

    def over(self, protocol: Protocol | None, requests: Iterable[int]) -> list[int]:
        """Those of them that went over it; None: over any."""
        if protocol is None:
            return list(requests)
        kind = PROTOCOLS.index(protocol)
        return [each for each in requests if self.kinds[each] == kind]

    def between(self, since_seconds: float, until_seconds: float) -> range:
        """The requests that were due then."""
        first, last = np.searchsorted(self.due, (since_seconds, until_seconds)).tolist()
        return range(first, last)

    def under_way(self, since_seconds: float, until_seconds: float) -> list[int]:
        """The requests that were due then, or earlier and had not ended when it began."""
        earlier = (each for each in self.between(0.0, since_seconds) if not self._had_ended(each, since_seconds))
        return [*earlier, *self.between(since_seconds, until_seconds)]

    def _had_ended(self, request: int, at_seconds: float) -> bool:
        end = self.ended.get(request)
        return end is not None and end.at_seconds < at_seconds

    def outcomes(self, requests: Iterable[int]) -> Counter[Outcome]:
        """Of requests that have had their time: what has no end is lost."""
        return Counter(self.ended[each].outcome if each in self.ended else Outcome.LOST for each in requests)

    def reasons(self, requests: Iterable[int]) -> Counter[str]:
        """Why requests were not answered, with their counts."""
        ends = (self.ended[each] for each in requests if each in self.ended)
        return Counter(each.what for each in ends if each.outcome is not Outcome.ANSWERED)

    def all_answered(self, requests: Sequence[int]) -> bool:
        ends = (self.ended.get(each) for each in requests)
        return len(requests) > 0 and all(end is not None and end.outcome is Outcome.ANSWERED for end in ends)

    def recovered(self, since_seconds: float, now_seconds: float, protocol: Protocol | None = None) -> float | None:
        """How long after `since_seconds` the first second began whose requests (over the protocol, None: over any) were
        all answered; None: not by now.
        """
        for start in _starts(since_seconds, now_seconds - WINDOW_SECONDS):
            if self.all_answered(self.over(protocol, self.between(start, start + WINDOW_SECONDS))):
                return start - since_seconds
        return None

    def per_second(self, outcome: Outcome, protocol: Protocol, count: int) -> NDArray[np.int64]:
        """How many of those over the protocol that were due in each of the first `count` seconds ended so."""
        requests = self.numbers_of(protocol).tolist()
        due = [self.due[each] for each in requests if self.outcome_of(each) is outcome]
        return np.histogram(due, bins=count, range=(0, count))[0]

    def outcome_of(self, request: int) -> Outcome:
        end = self.ended.get(request)
        return Outcome.LOST if end is None else end.outcome


def _starts(first: float, last: float) -> Iterator[float]:
    count = int((last - first) / STEP_SECONDS) + 1
    return (first + step * STEP_SECONDS for step in range(max(0, count)))
