"""The headers that go with every request, whatever it asks and over whichever wire; names in lower case. Pure."""

import math


def deadline_headers(remaining_seconds: float) -> dict[str, str]:
    """The gateway is told how long this side still waits, so that it skips work nobody waits for any more."""
    return {"x-request-timeout-ms": str(max(1, math.ceil(remaining_seconds * 1000)))}
