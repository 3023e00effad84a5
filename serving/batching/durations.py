"""Durations seen so far, of which the older count less: their mean and percentiles, from a histogram.

Pure. Whoever adds says how much an entry weighs; weights that grow with time are how the past fades.
"""

from collections.abc import Sequence
from math import log2

BINS_PER_OCTAVE = 8
"""A bin of the histogram spans 9 %; its own mean is kept, so that constant times are learned exactly."""
OUTLIER = 4.0
"""What is longer than this many medians counts as that many: a pause of the machine is no property of the model."""


class Durations:
    """Seconds, or ratios of them; all above 0."""

    __slots__ = ("_bins", "weight")

    def __init__(self) -> None:
        self._bins: dict[int, list[float]] = {}  # its weight, and the weighted sum of its seconds
        self.weight = 0.0

    def add(self, seconds: float, weight: float) -> None:
        entry = self._bins.setdefault(int(BINS_PER_OCTAVE * log2(seconds)), [0.0, 0.0])
        entry[0] += weight
        entry[1] += weight * seconds
        self.weight += weight

    def clear(self) -> None:
        self._bins.clear()
        self.weight = 0.0

    def scale(self, factor: float) -> None:
        """Every weight times `factor`."""
        self.weight *= factor
        for entry in self._bins.values():
            entry[0] *= factor
            entry[1] *= factor

    def mean_and_p95(self) -> tuple[float, float]:
        """Of at least one entry."""
        means = [(entry[1] / entry[0], entry[0]) for _, entry in sorted(self._bins.items()) if entry[0]]
        cap = OUTLIER * quantile(means, 0.5)
        mean = sum(min(seconds, cap) * weight for seconds, weight in means) / sum(weight for _, weight in means)
        return mean, quantile(means, 0.95)


def quantile(sorted_weighted: Sequence[tuple[float, float]], share: float) -> float:
    """The least value that `share` of the weight does not exceed."""
    goal = share * sum(weight for _, weight in sorted_weighted)
    for value, weight in sorted_weighted:
        goal -= weight
        if goal <= 0:
            return value
    return sorted_weighted[-1][0]
