"""The requests of a run, counted as they end: in each process by the second they were sent in, and put together in one.

Pure. Locust's own figures are rounded, so every latency is kept whole until its second is settled; then percentiles of
that second and a histogram of all remain.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from loadtests.latencies import Latencies
from loadtests.run_result import Interval

Part: TypeAlias = Mapping[str, Any]
"""What a process counted since it last told: plain values and bytes, as they go to another process."""

SETTLED_SECONDS = 60
"""Later than this after it was sent no request ends: users give up long before."""
RECENT_SECONDS = 5
"""Of the live view's figures; workers report every third second."""


@dataclass(slots=True)
class Counted:
    """What one process has counted and not told yet."""

    statuses: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    sent: Counter[int] = field(default_factory=Counter)
    good: Counter[int] = field(default_factory=Counter)
    latencies: defaultdict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    lateness: list[float] = field(default_factory=list)
    """Seconds by which the process woke too late each time it looked: so much of a latency may be its own."""

    def count(self, sent_at: float, status: str, latency_seconds: float | None, error: str | None) -> None:
        """`sent_at` in seconds since the epoch; no latency where there was no answer, no error where it was good."""
        second = int(sent_at)
        self.statuses[status] += 1
        self.sent[second] += 1
        if latency_seconds is not None:
            self.latencies[second].append(latency_seconds)
        if error is None:
            self.good[second] += 1
        else:
            self.errors[error] += 1

    def drain(self) -> Part:
        """All of it, and begins anew."""
        part = {
            "statuses": dict(self.statuses),
            "errors": dict(self.errors),
            "seconds": [
                (second, sent, self.good[second], np.array(self.latencies[second], np.float32).tobytes())
                for second, sent in self.sent.items()
            ],
            "lateness": np.array(self.lateness, np.float32).tobytes(),
        }
        for counter in (self.statuses, self.errors, self.sent, self.good, self.latencies, self.lateness):
            counter.clear()
        return part


@dataclass(slots=True)
class _Second:
    sent: int = 0
    good: int = 0
    latencies: list[NDArray[np.float32]] = field(default_factory=list)

    @property
    def all_latencies(self) -> NDArray[np.float32]:
        return np.concatenate(self.latencies) if self.latencies else np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True)
class Recent:
    """The last few seconds, for the eye; percentiles are NaN where nothing was answered."""

    per_second: float
    p50_seconds: float
    p95_seconds: float
    p99_seconds: float


@dataclass(slots=True)
class Tally:
    """All processes' parts together. Moments are seconds since the epoch; `started` is that of the run's begin."""

    started: float
    statuses: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    good: int = 0
    lateness: Latencies = field(default_factory=Latencies)
    _latencies: Latencies = field(default_factory=Latencies)
    _open: dict[int, _Second] = field(default_factory=dict)
    _settled: dict[int, Interval] = field(default_factory=dict)

    def merge(self, part: Part) -> None:
        self.statuses.update(part["statuses"])
        self.errors.update(part["errors"])
        self.lateness.add(np.frombuffer(part["lateness"], np.float32))
        for number, sent, good, latencies in part["seconds"]:
            second = self._open.setdefault(number, _Second())
            second.sent += sent
            second.good += good
            second.latencies.append(np.frombuffer(latencies, np.float32))
            self.sent += sent
            self.good += good

    def settle(self, before: float) -> None:
        """Keep of the seconds before that moment no more than their percentiles. They are the clock's own, which all
        processes share, so the first is a part of one.
        """
        for number in [number for number in self._open if number < before]:
            second = self._open.pop(number)
            self._latencies.add(second.all_latencies)
            self._settled[number] = _interval(number - int(self.started), second)

    def recent(self, now: float) -> Recent:
        """Of the last seconds that every process has told of."""
        newest = max((number for number in self._open if number < int(now)), default=0)
        seconds = [
            self._open[number] for number in range(newest - RECENT_SECONDS + 1, newest + 1) if number in self._open
        ]
        latencies = np.concatenate([each.all_latencies for each in seconds]) if seconds else np.zeros(0, np.float32)
        p50, p95, p99 = _percentiles(latencies, (50, 95, 99))
        return Recent(sum(each.sent for each in seconds) / max(1, len(seconds)), p50, p95, p99)

    def ended(self) -> tuple[Latencies, tuple[Interval, ...]]:
        """The latencies of all requests that were answered, and the seconds in their order."""
        self.settle(float("inf"))
        return self._latencies, tuple(self._settled[number] for number in sorted(self._settled))


def _interval(at_seconds: float, second: _Second) -> Interval:
    latencies = second.all_latencies
    found = Interval(at_seconds=at_seconds, sent=second.sent, good=second.good, failed=second.sent - second.good)
    if not len(latencies):
        return found
    p50, p90, p99 = _percentiles(latencies, (50, 90, 99))
    longest = float(latencies.max())
    return found.model_copy(update={"p50_seconds": p50, "p90_seconds": p90, "p99_seconds": p99, "max_seconds": longest})


def _percentiles(latencies: NDArray[np.float32], percents: Iterable[float]) -> list[float]:
    """Values that were measured, as `Latencies` has them, not means of two."""
    if not len(latencies):
        return [float("nan") for _ in percents]
    return [float(each) for each in np.percentile(latencies, list(percents), method="inverted_cdf")]
