"""The largest rate that a server holds: by doubling and bisection over trials, each judged by early stopping. Pure.

As MLPerf's Server scenario asks it: Poisson arrivals, the 99th percentile under a bound, and here errors under 0.1 %.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from loadtests.early_stopping import is_held, is_missed, requests_needed
from loadtests.result_file import Fact, ResultFile

ERRORS_SHARE = 0.001
ALLOWED_LATE = 2
"""A trial is at least as long as it takes to hold with so many late requests."""
LEAST_PER_SECOND = 5.0
"""Below it the search ends: a trial would take minutes."""
Verdict: TypeAlias = Literal["held", "missed", "unsure"]
Limit: TypeAlias = Literal["latency", "errors", "generator"]


class Trial(Fact):
    """One rate and what came of it; latencies in seconds, from when requests were due, None when none was answered.

    `late` are those beyond the bound and those without an answer, `failed` all that were not answered rightly.
    """

    rate_per_second: float
    seconds: float
    requests: int
    late: int
    failed: int
    goodput_per_second: float
    p50_seconds: float | None
    p90_seconds: float | None
    p99_seconds: float | None
    p999_seconds: float | None
    invalid_because: str | None
    is_held: bool
    limit: Limit | None


class CapacityResult(ResultFile):
    """What a search leaves in `capacity.json`. `per_second` is the largest rate that held; None when none did.

    `limit` says what ended the search above it: with "generator" the server's capacity is higher than the figure.
    """

    made_by: ClassVar[str] = "a capacity search"

    format: Literal[1] = 1
    url: str
    model: str
    protocol: Literal["rest", "grpc"]
    command: tuple[str, ...]
    started_at: str
    bound_seconds: float
    errors_share: float = ERRORS_SHARE
    per_second: float | None
    knee_per_second: float | None
    limit: Limit | None
    trials: tuple[Trial, ...]
    environment: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one rate, over all loads it was tried with."""

    requests: int
    late: int
    failed: int

    def plus(self, other: "Counts") -> "Counts":
        return Counts(self.requests + other.requests, self.late + other.late, self.failed + other.failed)

    @property
    def too_many_failed(self) -> bool:
        return self.failed > ERRORS_SHARE * self.requests

    @property
    def verdict(self) -> Verdict:
        """Unsure where the counts show neither yet: more requests of the same rate decide."""
        if self.too_many_failed or is_missed(self.requests, self.late):
            return "missed"
        return "held" if is_held(self.requests, self.late) else "unsure"


def trial_seconds(rate_per_second: float, least_seconds: float) -> float:
    """How long a rate is tried, so that early stopping allows ALLOWED_LATE late ones."""
    return max(least_seconds, 1.1 * requests_needed(ALLOWED_LATE) / rate_per_second)


Search: TypeAlias = Generator[float, bool, float | None]
"""Yields a rate to try, is sent whether it held; returns the largest that did, None when not even the lowest."""


def search(
    start_per_second: float,
    *,
    resolution: float,
    least_per_second: float = LEAST_PER_SECOND,
    most_per_second: float = float("inf"),
) -> Search:
    """Doubles, or halves, from the start until held and missed lie beside each other, then halves what is between.

    Ends when the least missed is within `resolution` (a share) of the largest held, when `most_per_second` holds, or
    when `least_per_second` does not.
    """
    held, missed = 0.0, float("inf")
    rate = min(start_per_second, most_per_second)
    while missed - held > resolution * held:
        if (yield rate):
            held = rate
        else:
            missed = rate
        if held >= most_per_second or missed <= least_per_second:
            break
        between = (held + missed) / 2 if held else max(missed / 2, least_per_second)
        rate = min(2 * held, most_per_second) if missed == float("inf") else between
    return held or None


def knee(trials: Sequence[Trial]) -> float | None:
    """The rate beyond which p99 rises faster than the rate does; None with fewer than three rates.

    The point of the curve up to the first miss that is furthest below its chord, both axes scaled to 0..1, as Kneedle
    has it (Satopaa et al., "Finding a Kneedle in a Haystack", 2011).
    """
    points = curve(trials)
    if len(points) < 3:
        return None
    (left, low), (right, high) = points[0], points[-1]
    if high <= low:
        return None
    below = [(rate - left) / (right - left) - (p99 - low) / (high - low) for rate, p99 in points]
    return points[below.index(max(below))][0]


def curve(trials: Sequence[Trial]) -> list[tuple[float, float]]:
    """Rate and p99 of the trials, by rate, up to the first that missed."""
    ordered = sorted(trials, key=lambda trial: trial.rate_per_second)
    first_missed = next((place for place, trial in enumerate(ordered) if not trial.is_held), len(ordered) - 1)
    return [
        (trial.rate_per_second, trial.p99_seconds)
        for trial in ordered[: first_missed + 1]
        if trial.p99_seconds is not None
    ]


def limit_above(trials: Sequence[Trial], per_second: float | None) -> Limit | None:
    """Why the least rate that missed, above the figure, missed; None when nothing above it was tried."""
    above = [trial for trial in trials if not trial.is_held and trial.rate_per_second > (per_second or 0.0)]
    return min(above, key=lambda trial: trial.rate_per_second).limit if above else None
