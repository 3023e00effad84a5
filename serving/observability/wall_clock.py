"""The wall clock for what is written down: log lines, spans and file names. Nothing is decided by it.

Everything is measured on the monotonic clock; what is written is shown on the wall clock by an offset that is read anew
with every piece of work, so that a clock that is set shows at once and no duration is ever wrong.
"""

import time
from datetime import UTC, datetime
from functools import lru_cache


def wall_offset_seconds() -> float:
    """What must be added to a moment of `time.monotonic` to get seconds since 1970."""
    return time.time() - time.monotonic()


def iso_utc(unix_seconds: float) -> str:
    """ISO 8601 in UTC with milliseconds, such as 2026-01-31T09:05:00.042Z."""
    milliseconds = round(unix_seconds * 1000)
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@lru_cache(4)
def _second(unix_seconds: int) -> str:
    """A busy log says the same second thousands of times."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
