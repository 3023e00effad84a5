"""Rule 8, how urgent: high before normal before batch, with a reserve for the lower lanes and promotion by age.

Pure. A lane that waits while others ride is owed its share of the device's time, and leads a batch once it is owed any.
"""

from collections.abc import Collection, Sequence

from serving.batching.events import Lane

RESERVES = {Lane.HIGH: 0.0, Lane.NORMAL: 0.2, Lane.BATCH: 0.05}
"""The share of the device's time that a lane gets although more urgent ones fill every batch."""
PROMOTED = 2.0
"""A lane whose next request has waited half of its patience has so many times its reserve."""


class LaneReserves:
    """What each lane is owed, in seconds of the device."""

    __slots__ = ("_owed_seconds",)

    def __init__(self) -> None:
        self._owed_seconds = [0.0] * len(Lane)

    def order(self, waiting: Sequence[Lane]) -> Sequence[Lane]:
        """Who leads the next batch, and who is asked next where nobody there may be sent. `waiting` by urgency."""
        if len(waiting) < 2:
            return waiting
        owed = [lane for lane in waiting[1:] if self._owed_seconds[lane] > 0]
        return (*reversed(owed), *(lane for lane in waiting if lane not in owed))

    def spend(
        self, seconds: float, waiting: Collection[Lane], riding: Collection[Lane], aged: Collection[Lane]
    ) -> None:
        """A batch of that time went out with rows of the lanes `riding`. `aged` are promoted."""
        for lane in waiting:
            if lane in riding:
                self._owed_seconds[lane] = max(-seconds, self._owed_seconds[lane] - seconds)
            else:
                self._owed_seconds[lane] += RESERVES[lane] * (PROMOTED if lane in aged else 1.0) * seconds
