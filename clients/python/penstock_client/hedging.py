"""When a request that takes long is sent a second time beside the first. Pure."""

import math
from collections import deque
from dataclasses import dataclass

RECENT = 100
"""Latencies remembered for each model: enough for a 95th percentile, few enough to follow a change."""
ENOUGH = 20
"""Below this many a 95th percentile is the largest alone, and nothing is hedged."""
PERCENTILE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedging:
    """A second request after `after_seconds`, or after the 95th percentile of the model's recent latencies.

    The first good answer counts and the other request is given up (Dean and Barroso, "The Tail at Scale", CACM
    2013, which finds that this costs a few percent more requests). Each hedge is paid from the retry budget.
    """

    after_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.after_seconds is not None and not 0 <= self.after_seconds < math.inf:
            raise ValueError(f"after_seconds is {self.after_seconds}; it must be at least 0 and finite")


class Latencies:
    """Of the last answers, in seconds."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=RECENT)

    def add(self, seconds: float) -> None:
        self._recent.append(seconds)

    def percentile(self) -> float | None:
        """None while there are too few."""
        recent = sorted(self._recent.copy())
        return recent[math.ceil(PERCENTILE * len(recent)) - 1] if len(recent) >= ENOUGH else None
