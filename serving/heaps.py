"""How many heaps the C library's allocator keeps.

glibc gives threads heaps of their own, up to eight for each core, and what one frees is no use to another: a gateway
whose gRPC, TensorFlow and decoding threads take turns grows for a long time without keeping anything. See M_ARENA_MAX
in mallopt(3).
"""

import ctypes

MOST_HEAPS = 2
"""One for the event loop, as good as alone, and one that the other threads share."""
_M_ARENA_MAX = -8


def share_heaps() -> None:
    """For the whole process, before its threads start. Nothing happens where the C library is not glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, MOST_HEAPS)
