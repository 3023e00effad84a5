"""What an overload consists of and what came of it: stretches of load, requests in turn, readings of memory. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from loadtests.arrivals import Phase
from loadtests.bench.overload_figures import Span
from loadtests.open_loop import OpenLoopRun

CALM_SHARE, CALM_SECONDS, AFTER_SECONDS = 0.5, 4.0, 6.0
"""Of the peak, before and after the overload; and how long."""
SETTLING_SECONDS = 1.0
"""Of the calm: not looked at."""


@dataclass(frozen=True, slots=True)
class Course:
    """`times` the peak for `overload_seconds`. After every `good_between` good requests comes a hostile one; None
    without any. Rates are of good requests, hostile ones come on top.
    """

    times: float
    overload_seconds: float
    good_between: int | None = None

    @property
    def calm(self) -> Span:
        return Span(SETTLING_SECONDS, CALM_SECONDS)

    @property
    def overload(self) -> Span:
        return Span(CALM_SECONDS, CALM_SECONDS + self.overload_seconds)

    @property
    def after(self) -> Span:
        return Span(self.overload.end, self.overload.end + AFTER_SECONDS)

    def phases(self, peak: float) -> list[Phase]:
        """`peak` in good requests a second."""
        total = peak if self.good_between is None else peak * (self.good_between + 1) / self.good_between
        calm = total * CALM_SHARE
        lengths = (CALM_SECONDS, self.overload_seconds, AFTER_SECONDS)
        return [Phase(rate, n) for rate, n in zip((calm, total * self.times, calm), lengths, strict=True)]

    def turns(self, good: bytes, hostile: Sequence[bytes]) -> list[bytes]:
        """What is sent in turn."""
        if self.good_between is None:
            return [good]
        return [request for bad in hostile for request in (*[good] * self.good_between, bad)]

    def parted(self, run: OpenLoopRun) -> tuple[OpenLoopRun, OpenLoopRun]:
        """The good requests of a run, and the hostile ones."""
        number = np.arange(len(run.due))
        if self.good_between is None:
            return run, _part(run, number < 0)
        is_hostile = number % (self.good_between + 1) == self.good_between
        return _part(run, ~is_hostile), _part(run, is_hostile)


def _part(run: OpenLoopRun, chosen: np.typing.NDArray[np.bool_]) -> OpenLoopRun:
    columns = {name: getattr(run, name)[chosen] for name in ("due", "reached", "sent", "ended", "status")}
    return replace(run, **columns)


@dataclass(frozen=True, slots=True)
class Swept:
    """One load of the sweep, and what came of it."""

    offered_per_second: float
    goodput_per_second: float
    median_seconds: float
    is_valid: bool


@dataclass(frozen=True, slots=True)
class Memory:
    """The server's resident megabytes at moments of a run, in seconds from its start."""

    readings: Sequence[tuple[float, float]]

    def most(self, span: Span) -> float:
        """NaN where nothing was read."""
        found = [megabytes for at, megabytes in self.readings if span.start <= at < span.end]
        return max(found, default=float("nan"))


@dataclass(frozen=True, slots=True)
class Round:
    """One overload: shares and times for the table, answers by status, and the run of the good requests itself."""

    goodput_percent: float
    rejection_ms: float
    recovery_seconds: float
    statuses: dict[int, int]
    hostile_statuses: dict[int, int]
    grown_megabytes: float
    run: OpenLoopRun

    def told(self) -> dict[str, object]:
        """All but the run's moments, for JSON."""
        late = {"late_share": self.run.late_share, "is_valid": self.run.is_valid}
        names = [name for name in self.__slots__ if name != "run"]
        return {name: getattr(self, name) for name in names} | late
