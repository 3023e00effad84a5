"""What one turn of measuring gives, and what several give together. Pure."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """One turn: answers counted over `seconds`, the server's processor time meanwhile, and how long answers took."""

    requests: int
    seconds: float
    cpu_seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    @property
    def per_cpu_second(self) -> float:
        """Requests a second of the server's own processor time: what a core can do when the client is the slower."""
        return self.requests / self.cpu_seconds if self.cpu_seconds else float("nan")

    @property
    def core_share(self) -> float:
        """Of one core; near 1 says that the server, and not the generator, was measured."""
        return self.cpu_seconds / self.seconds


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several turns, with the least and the most of them."""

    median: float
    least: float
    most: float


def spread(values: Sequence[float]) -> Spread:
    """Raises statistics.StatisticsError for no values."""
    return Spread(statistics.median(values), min(values), max(values))


def spread_of(samples: Sequence[Sample], figure: Callable[[Sample], float]) -> Spread:
    return spread([figure(sample) for sample in samples])


def turn_by_turn(
    ours: Sequence[float], beside: Sequence[float], joined: Callable[[float, float], float]
) -> list[float]:
    """`joined` of the two figures of each turn: of one state of the machine, which the medians need not be."""
    return [joined(a, b) for a, b in zip(ours, beside, strict=True)]


def percentile(ordered: Sequence[float], share: float) -> float:
    """The least of the rising values that at least `share` of them do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
