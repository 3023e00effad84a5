"""What the requests of one generator process came to, in histograms and counts, and the sum over several processes.

Pure. A tally of a long run is small, so that processes hand over tallies and not requests.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from loadtests.latencies import Latencies
from loadtests.open_loop import LATE_SECONDS, LATE_SHARE, OpenLoopRun
from loadtests.run_result import Interval
from loadtests.wire import NO_ANSWER

INTERVAL_SECONDS = 1.0
WAITED_SECONDS = 0.001
"""A request that was sent this much after the generator came to it had waited for a free connection."""
Chosen = NDArray[np.bool_]
Key = TypeVar("Key", int, str)


@dataclass(frozen=True, slots=True)
class Judge:
    """What makes an answer good: its status, by the request's place in the turns, and its time from the due moment.

    `bound_seconds` is only counted: a latency above it is `late`.
    """

    wanted: Sequence[int]
    deadline_seconds: float = float("inf")
    bound_seconds: float = float("inf")


@dataclass(frozen=True, slots=True)
class SecondTally:
    """Those due in one second; `latency` is an encoded histogram."""

    sent: int
    good: int
    latency: str


@dataclass(frozen=True, slots=True)
class Tally:
    """Histograms are encoded (`Latencies.encoded`): from due, from sent, and the generator's own lateness.

    `late` counts requests beyond the judge's bound and those without an answer; `behind` those that the generator came
    to more than LATE_SECONDS after they were due; `waited` those that waited for a free connection.
    """

    sent: int
    good: int
    late: int
    behind: int
    waited: int
    statuses: Mapping[int, int]
    losses: Mapping[str, int]
    latency: str
    latency_from_sent: str
    lateness: str
    ended_seconds: float
    seconds: Mapping[int, SecondTally] = field(default_factory=dict)

    @property
    def invalid_because(self) -> str | None:
        """Why the figures are not to be trusted, in words; None where the generator kept up."""
        if self.behind <= LATE_SHARE * self.sent:
            return None
        p99 = Latencies.decoded(self.lateness).percentile_seconds(99)
        return (
            f"the generator could not keep up: {self.behind / self.sent:.1%} of the requests were sent more than "
            f"{LATE_SECONDS * 1e3:g} ms late (p99 {p99 * 1e3:.3g} ms); ask at a lower rate or with more processes"
        )


def tally(run: OpenLoopRun, judge: Judge) -> Tally:
    wanted = np.array(judge.wanted, np.int16)[np.arange(len(run.due)) % len(judge.wanted)]
    latency = run.latency_seconds
    answered = run.status != NO_ANSWER
    good = answered & (run.status == wanted) & (latency <= judge.deadline_seconds)
    own = run.own_lateness_seconds
    waited = ~(run.sent - run.reached <= WAITED_SECONDS) & ~np.isnan(run.reached)
    return Tally(
        sent=len(run.due),
        good=int(good.sum()),
        late=int((~answered | (latency > judge.bound_seconds)).sum()),
        behind=int((own > LATE_SECONDS).sum()),
        waited=int(waited.sum()),
        statuses={
            int(status): int(count) for status, count in zip(*np.unique(run.status, return_counts=True), strict=True)
        },
        losses=dict(run.losses),
        latency=Latencies.of(latency).encoded(),
        latency_from_sent=Latencies.of(run.ended - run.sent).encoded(),
        lateness=Latencies.of(own[np.isfinite(own)]).encoded(),
        ended_seconds=_latest(run),
        seconds=_by_second(run, good),
    )


def _latest(run: OpenLoopRun) -> float:
    """When the last answer came, or the last request was due."""
    answered = run.ended[~np.isnan(run.ended)]
    return max(float(answered.max()) if len(answered) else 0.0, float(run.due[-1]) if len(run.due) else 0.0)


def _by_second(run: OpenLoopRun, good: Chosen) -> dict[int, SecondTally]:
    last = int(run.due[-1]) if len(run.due) else -1
    edges = np.searchsorted(run.due, np.arange(last + 2))
    found = {}
    for second, (start, end) in enumerate(pairwise(edges.tolist())):
        part = slice(start, end)
        latency = Latencies.of(run.latency_seconds[part]).encoded()
        found[second] = SecondTally(end - start, int(good[part].sum()), latency)
    return found


def merged(tallies: Iterable[Tally]) -> Tally:
    """The sum over processes that shared the arrivals of one run. Raises ValueError for none."""
    parts = list(tallies)
    if not parts:
        raise ValueError("no process of the generator left anything")
    seconds = sorted({second for part in parts for second in part.seconds})
    return Tally(
        sent=sum(part.sent for part in parts),
        good=sum(part.good for part in parts),
        late=sum(part.late for part in parts),
        behind=sum(part.behind for part in parts),
        waited=sum(part.waited for part in parts),
        statuses=_summed(part.statuses for part in parts),
        losses=_summed(part.losses for part in parts),
        latency=_added(part.latency for part in parts),
        latency_from_sent=_added(part.latency_from_sent for part in parts),
        lateness=_added(part.lateness for part in parts),
        ended_seconds=max(part.ended_seconds for part in parts),
        seconds={at: _merged_second([part.seconds[at] for part in parts if at in part.seconds]) for at in seconds},
    )


def _merged_second(parts: Sequence[SecondTally]) -> SecondTally:
    latency = _added(part.latency for part in parts)
    return SecondTally(sum(part.sent for part in parts), sum(part.good for part in parts), latency)


def _summed(counts: Iterable[Mapping[Key, int]]) -> dict[Key, int]:
    total: Counter[Key] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)


def _added(histograms: Iterable[str]) -> str:
    total = Latencies()
    for each in histograms:
        total.merge(Latencies.decoded(each))
    return total.encoded()


def intervals(found: Tally) -> tuple[Interval, ...]:
    """Second by second, as a run's result has them."""
    return tuple(_interval(at, second) for at, second in sorted(found.seconds.items()))


def _interval(at: int, second: SecondTally) -> Interval:
    latency = Latencies.decoded(second.latency)
    counts = {"sent": second.sent, "good": second.good, "failed": second.sent - second.good}
    if not latency.count:
        return Interval(at_seconds=at * INTERVAL_SECONDS, **counts)
    return Interval(
        at_seconds=at * INTERVAL_SECONDS,
        **counts,
        p50_seconds=latency.percentile_seconds(50),
        p90_seconds=latency.percentile_seconds(90),
        p99_seconds=latency.percentile_seconds(99),
        max_seconds=latency.max_seconds,
    )
