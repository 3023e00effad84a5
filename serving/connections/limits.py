"""What one HTTP connection may do, and how many there may be: facts.

Pure. The defaults and their reasons are `connection_settings.py`'s.
"""

from dataclasses import dataclass

LINGER_SECONDS = 2.0
"""How long a refused caller's bytes are thrown away, so that it reads the refusal: closing at once resets it."""
MOST_PIPELINED = 1000
"""Requests of one connection that may wait behind one another; some two megabytes."""
MOST_FRAMING_BYTES = 64 * 1024
"""Of a body in chunks, what may come beside the body at once: sizes, extensions, trailers."""
FRAMING_PER_BODY_BYTE = 8
"""A byte a chunk takes five beside itself."""
MOST_TURNED_AWAY = 64
"""Connections past the limit that are answered 503; more are closed without a word."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Of one gateway process."""

    max_head_bytes: int
    max_headers: int
    max_target_bytes: int
    head_seconds: float
    pace_bytes_per_second: int
    pace_window_seconds: float
    keep_alive_seconds: float
    max_connections: int
    max_connections_per_address: int = 0
    """0: no limit of its own."""

    @property
    def look_seconds(self) -> float:
        """How often every connection is looked at: each limit is kept to within about this."""
        return min(1.0, self.head_seconds / 4, self.pace_window_seconds / 4, self.keep_alive_seconds / 4)

    def least_bytes(self, seconds: float) -> float:
        return self.pace_bytes_per_second * seconds
