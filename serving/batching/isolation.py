"""Rule 10: a batch that fails for its data is cut in half and sent again, so that only the guilty request fails.

Pure. Bisection finds one guilty among n within 2*log2(n) calls; a budget keeps a stream of bad requests from living off
its neighbours. Errors that say nothing of the data are never bisected: asking twice helps nobody.
"""

from collections.abc import Sequence

from serving.batching.events import RowSlice
from serving.errors import BackendRejected, PenstockError

CALLS_KEPT = 64.0
"""Calls that may be spent at once: enough to find five guilty in a batch of 64."""
CALLS_EARNED = 0.1
"""What each good call adds: repeats stay near a tenth of all calls."""


class RetryBudget:
    """Calls that may be repeated."""

    __slots__ = ("calls",)

    def __init__(self) -> None:
        self.calls = CALLS_KEPT

    def earn(self) -> None:
        self.calls = min(CALLS_KEPT, self.calls + CALLS_EARNED)

    def spend(self, calls: int) -> bool:
        """Whether so many calls were left; they are spent then."""
        if self.calls < calls:
            return False
        self.calls -= calls
        return True


def halves(slices: Sequence[RowSlice], error: PenstockError, budget: RetryBudget) -> tuple[tuple[RowSlice, ...], ...]:
    """Both halves of a failed batch, to be sent anew; nothing where its members must fail."""
    if not isinstance(error, BackendRejected) or len(slices) < 2 or not budget.spend(2):
        return ()
    middle = len(slices) // 2
    return tuple(slices[:middle]), tuple(slices[middle:])
