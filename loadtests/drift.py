"""Whether a server stayed as it was over a long run: memory, open files, threads and latency, late beside early.

Pure. The first part of a run is left out: caches fill, pools grow, buffers find their size. Of the rest the median of
the first third is set beside that of the last, which a single pause or a collection does not move.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from loadtests.run_result import Interval, RunResult, ServerSample

WARM_UP_SHARE = 0.25
"""Of the run, before anything is compared."""
LEAST_READINGS = 10
"""In each third; with fewer a figure is told and not judged."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How far the late median may be above the early one: by a part of it, or by a number, whichever is more."""

    what: str
    unit: str
    scale: float
    growth_share: float
    growth: float


MEMORY = Rule("memory", "MB", 1e-6, 0.05, 0.0)
OPEN_FILES = Rule("open files", "", 1, 0.0, 2.0)
"""Two: a connection that is being replaced is there twice."""
THREADS = Rule("threads", "", 1, 0.0, 0.0)
P99 = Rule("p99 of a second", "ms", 1e3, 0.10, 0.0)


@dataclass(frozen=True, slots=True)
class Drift:
    """Medians early and late in the rule's unit, over `readings` each; NaN where nothing was read."""

    rule: Rule
    early: float
    late: float
    readings: int

    @property
    def is_judged(self) -> bool:
        return self.readings >= LEAST_READINGS

    @property
    def is_held(self) -> bool:
        """Falling is no drift; what is not judged is not held against the server."""
        bound = max(self.early * (1 + self.rule.growth_share), self.early + self.rule.growth)
        return not self.is_judged or self.late <= bound

    def __str__(self) -> str:
        sign = ("held" if self.is_held else "MISSED") if self.is_judged else "-"
        growth = f", {self.late / self.early - 1:+.1%}" if self.early else ""
        unit = f" {self.rule.unit}" if self.rule.unit else ""
        told = f"{sign:<6}  {self.rule.what}: {self.early:.4g}{unit} early, {self.late:.4g}{unit} late{growth}"
        if not self.is_judged:
            return f"{told}; not judged: {self.readings} readings a third, {LEAST_READINGS} are needed"
        return f"{told}; at most {_allowed(self.rule)}"


_Point: TypeAlias = tuple[float, float | None]
_Read: TypeAlias = Callable[[ServerSample], float | None]

_READINGS: Mapping[Rule, _Read] = MappingProxyType(
    {
        MEMORY: lambda sample: sample.resident_bytes,
        OPEN_FILES: lambda sample: sample.open_files,
        THREADS: lambda sample: sample.threads,
    }
)


def drifts(run: RunResult) -> tuple[Drift, ...]:
    """One for each rule of which there is anything to read."""
    series: dict[Rule, Sequence[_Point]] = {
        rule: [(sample.at_seconds, read(sample)) for sample in run.server] for rule, read in _READINGS.items()
    }
    series[P99] = [(interval.at_seconds, interval.p99_seconds) for interval in _whole(run.intervals)]
    found = [_drift(rule, points, run.seconds) for rule, points in series.items()]
    return tuple(drift for drift in found if drift.readings)


def _whole(intervals: Sequence[Interval]) -> Sequence[Interval]:
    """Without the last second, of which only a part was loaded."""
    return intervals[:-1]


def _drift(rule: Rule, points: Sequence[_Point], seconds: float) -> Drift:
    begin = seconds * WARM_UP_SHARE
    third = (seconds - begin) / 3
    known = [(at, value * rule.scale) for at, value in points if value is not None]
    early = [value for at, value in known if begin <= at < begin + third]
    late = [value for at, value in known if seconds - third <= at <= seconds]
    return Drift(rule, _median(early), _median(late), readings=min(len(early), len(late)))


def _median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else float("nan")


def _allowed(rule: Rule) -> str:
    if rule.growth_share:
        return f"{rule.growth_share:+.0%}"
    return f"{rule.growth:g} more" if rule.growth else "as many"
