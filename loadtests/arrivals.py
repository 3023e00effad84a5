"""When requests are meant to be sent: moments set in advance, whatever becomes of the requests before them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Seconds: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of time with one mean rate of requests."""

    rate_per_second: float
    seconds: float


def steady_arrivals(phases: Sequence[Phase]) -> Seconds:
    """Rising moments from 0 on, equally far apart within each phase."""
    started, parts = 0.0, []
    for phase in phases:
        count = round(phase.rate_per_second * phase.seconds)
        parts.append(started + np.arange(count) * (phase.seconds / max(1, count)))
        started += phase.seconds
    return np.concatenate(parts) if parts else np.zeros(0)


def poisson_arrivals(phases: Sequence[Phase], seed: int) -> Seconds:
    """Rising moments from 0 on, as many independent callers make them: a Poisson process in each phase.

    Given their number, the moments of such a process are spread evenly and independently (Ross, Stochastic Processes,
    theorem 2.3.1), so a phase's number is drawn first.
    """
    random = np.random.default_rng(seed)
    started, parts = 0.0, []
    for phase in phases:
        count = random.poisson(phase.rate_per_second * phase.seconds)
        parts.append(started + np.sort(random.random(count)) * phase.seconds)
        started += phase.seconds
    return np.concatenate(parts) if parts else np.zeros(0)
