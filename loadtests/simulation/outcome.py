"""What became of a stream of requests: who was answered in time, how long it took, and when the others were told.

Pure. NaN stands for what never happened.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loadtests.simulation.arrivals import Arrival

Times = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One entry per request, in the order of `arrivals`; `batch_rows` one per batch."""

    arrivals: list[Arrival]
    answered_at: Times
    refused_at: Times
    refusals: Counter[str]
    """How often each kind of error was told."""
    batch_rows: list[int]
    ended_at_seconds: float

    @property
    def lost(self) -> int:
        """Requests that were neither answered nor refused."""
        return int(np.sum(np.isnan(self.answered_at) & np.isnan(self.refused_at)))

    @property
    def refused(self) -> int:
        return int(np.sum(~np.isnan(self.refused_at)))

    @property
    def latencies(self) -> Times:
        """Seconds from arrival to answer, of those that were answered."""
        seconds = self.answered_at - self._came
        return seconds[~np.isnan(seconds)]

    @property
    def on_time(self) -> int:
        deadlines = np.array([arrival.deadline_seconds for arrival in self.arrivals])
        return int(np.sum(self.answered_at <= deadlines + 1e-12))  # NaN is not on time

    @property
    def goodput(self) -> float:
        """Requests answered by their deadline, of those that came."""
        return self.on_time / len(self.arrivals)

    @property
    def mean_seconds(self) -> float:
        return float(np.mean(self.latencies)) if len(self.latencies) else float("nan")

    def latency_seconds(self, quantile: float) -> float:
        return float(np.quantile(self.latencies, quantile)) if len(self.latencies) else float("nan")

    def refusal_seconds(self, quantile: float) -> float:
        """Seconds from arrival to refusal, of those that were refused; 0 when nobody was."""
        seconds = self.refused_at - self._came
        told = seconds[~np.isnan(seconds)]
        return float(np.quantile(told, quantile)) if len(told) else 0.0

    @property
    def mean_batch_rows(self) -> float:
        return float(np.mean(self.batch_rows)) if self.batch_rows else 0.0

    def of(self, chosen: Callable[[Arrival], bool]) -> "Outcome":
        """The part of it that concerns some requests; the batches stay everybody's."""
        which = [number for number, arrival in enumerate(self.arrivals) if chosen(arrival)]
        return Outcome(
            [self.arrivals[number] for number in which],
            self.answered_at[which],
            self.refused_at[which],
            self.refusals,
            self.batch_rows,
            self.ended_at_seconds,
        )

    @property
    def _came(self) -> Times:
        return np.array([arrival.at_seconds for arrival in self.arrivals])
