"""Our own core as the simulator's policy, set up as the gateway sets it up."""

from loadtests.simulation.device import Case
from serving.batching.admission import QueueLimits
from serving.batching.policy import BatchingCore

LIMITS = QueueLimits(max_rows=8192, max_bytes=256 * 1024 * 1024)


def our_core(case: Case, *, slots: int = 1, most_slots: int | None = None) -> BatchingCore:
    """With one slot unless told otherwise: that is what the oracles know."""
    return BatchingCore(max_batch_rows=case.max_batch_rows, slots=slots, most_slots=most_slots, limits=LIMITS)
