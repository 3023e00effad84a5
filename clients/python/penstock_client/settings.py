"""What a client may be told when it is made, checked once. Pure."""

import math
from dataclasses import dataclass

from penstock_client.transports import AsyncTransport, Transport

DEFAULT_TIMEOUT_SECONDS = 10.0
"""Long against a prediction's milliseconds, short against a person's patience."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """Raises ValueError for what makes no sense. `Client` says what each field means."""

    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    transport: Transport | AsyncTransport | None = None

    def __post_init__(self) -> None:
        check_timeout(self.timeout_seconds)


def check_timeout(timeout_seconds: float) -> None:
    if not 0 < timeout_seconds < math.inf:
        raise ValueError(f"timeout_seconds is {timeout_seconds}; it must be above 0 and finite")
