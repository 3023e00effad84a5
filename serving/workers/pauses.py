"""How long to wait before a worker that died is started again.

Pure. At once after a long life; longer and longer while it dies young, so that a broken model directory does not keep
the machine busy with starting.
"""

STEADY_SECONDS = 30.0
"""A worker that lived so long died of something new."""
FIRST_SECONDS, LONGEST_SECONDS = 0.5, 30.0


def next_pause_seconds(lived_seconds: float, last_pause_seconds: float) -> float:
    """The pause before the next start; `last_pause_seconds` is the one before the life that just ended."""
    if lived_seconds >= STEADY_SECONDS:
        return 0.0
    return min(LONGEST_SECONDS, max(FIRST_SECONDS, 2 * last_pause_seconds))
