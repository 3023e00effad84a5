"""The shape of the histograms: their bounds, and counts turned into Prometheus's cumulative form.

Pure. A histogram lies in cells side by side: one count per bound (values at or under it and over the one before), one
for what is over them all, and the sum of the values.
"""

from collections.abc import Sequence
from itertools import accumulate

SECONDS: tuple[float, ...] = (
    0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0
)  # fmt: skip
"""Bucket bounds for durations: from the tens of microseconds a small model takes to the slowest that is borne."""

ROWS: tuple[float, ...] = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


def cell_count(bounds: Sequence[float]) -> int:
    """How many cells a histogram takes."""
    return len(bounds) + 2


def cumulative(bounds: Sequence[float], counts: Sequence[float]) -> list[tuple[str, float]]:
    """Prometheus's buckets: how many values lie at or under each bound, `+Inf` last."""
    names = [*(repr(float(bound)) for bound in bounds), "+Inf"]
    return list(zip(names, accumulate(counts), strict=True))
