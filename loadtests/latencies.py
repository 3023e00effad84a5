"""Latencies in an HDR histogram: every one counted, three digits kept, from a microsecond to an hour, mergeable.

Tene's HdrHistogram (hdrhistogram.org): buckets of equal relative width, so that a percentile of any size is right to
three digits, and histograms of several processes add up to what one would have counted.
"""

from collections.abc import Iterable
from typing import Self

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

LOWEST_MICROSECONDS, HIGHEST_MICROSECONDS, DIGITS = 1, 3_600_000_000, 3
MICROSECONDS = 1e6


class Latencies:
    """A histogram of seconds."""

    def __init__(self, histogram: HdrHistogram | None = None) -> None:
        self._histogram = histogram or HdrHistogram(LOWEST_MICROSECONDS, HIGHEST_MICROSECONDS, DIGITS)

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Self:
        found = cls()
        found.add(seconds)
        return found

    @classmethod
    def decoded(cls, encoded: str) -> Self:
        """From what `encoded` gave: HdrHistogram's V2 format, compressed, in base64. Raises ValueError for another."""
        try:
            return cls(HdrHistogram.decode(encoded))
        except Exception as broken:  # the library raises whatever its parts raise
            raise ValueError("latencies: not an HdrHistogram in base64") from broken

    def encoded(self) -> str:
        return bytes(self._histogram.encode()).decode()

    def add(self, seconds: Iterable[float]) -> None:
        """Counts each; NaN (no answer) is left out, below a microsecond counts as one, above an hour as an hour."""
        values = np.fromiter(seconds, np.float64)
        values = values[~np.isnan(values)] * MICROSECONDS
        limited = np.clip(np.rint(values), LOWEST_MICROSECONDS, HIGHEST_MICROSECONDS).astype(np.int64)
        for value, count in zip(*np.unique(limited, return_counts=True), strict=True):
            self._histogram.record_value(int(value), int(count))

    def merge(self, other: "Latencies") -> None:
        self._histogram.add(other._histogram)  # noqa: SLF001 - its own kind

    @property
    def count(self) -> int:
        return int(self._histogram.get_total_count())

    def percentile_seconds(self, percent: float) -> float:
        """The least latency that `percent` (0-100) of all do not exceed, to three digits; NaN when there are none."""
        return self._histogram.get_value_at_percentile(percent) / MICROSECONDS if self.count else float("nan")

    def recorded(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Each latency that was counted, in seconds and rising, and how often."""
        _, most, counts = self._ranges()
        return most / MICROSECONDS, counts

    @property
    def mean_seconds(self) -> float:
        """As if each were in the middle of those that it is counted with."""
        least, most, counts = self._ranges()
        middles = least + (most - least + 1) // 2
        return float(middles @ counts) / self.count / MICROSECONDS if self.count else float("nan")

    def _ranges(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Microseconds from, to, and how many were counted there. The library's own iterators look at each of the
        tens of thousands of places where nothing was counted.
        """
        counts = np.array(self._histogram.counts, np.int64)
        places = np.flatnonzero(counts)
        least = [self._histogram.get_value_from_index(place) for place in places.tolist()]
        most = [self._histogram.get_highest_equivalent_value(value) for value in least]
        return np.array(least, np.int64), np.array(most, np.int64), counts[places]

    @property
    def max_seconds(self) -> float:
        return self._histogram.get_max_value() / MICROSECONDS if self.count else float("nan")
