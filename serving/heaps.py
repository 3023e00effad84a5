"""How the C library's allocator keeps memory, and when it gives it back.

glibc gives threads heaps of their own, up to eight for each core, and what one frees is no use to another: a gateway
whose gRPC, TensorFlow and decoding threads take turns grows for a long time without keeping anything. And it learns
from the largest block that was freed, up to 32 MB, to keep blocks of that size in a heap, where what lies above them
holds them: weights of a version that has gone stay resident. See M_ARENA_MAX and M_MMAP_THRESHOLD in mallopt(3).
"""

import ctypes

MOST_HEAPS = 2
"""One for the event loop, as good as alone, and one that the other threads share."""
OWN_MAPPING_BYTES = 4 * 1024 * 1024
"""Blocks from this size on have a mapping of their own and go back when they are freed: weights do, the tensors of most
calls stay in the heap, where they cost no page faults.
"""
_M_ARENA_MAX, _M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -8, -1, -3


def share_heaps() -> None:
    """For the whole process, before its threads start. Nothing happens where the C library is not glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, MOST_HEAPS)
        mallopt(_M_MMAP_THRESHOLD, OWN_MAPPING_BYTES)
        mallopt(_M_TRIM_THRESHOLD, 2 * OWN_MAPPING_BYTES)


def give_back() -> None:
    """Free pages of the heaps go back to the system; some milliseconds. Nothing happens where there is no glibc."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
