"""What a call asks of whoever runs it: send this, or wait so long. Pure.

A call is a generator of steps, as a flow is one of requests. It is handed what came of each Send, and None after a
Pause. What decides about deadlines, retries and hedges stands in `exchanges.py`; `sync_runner.py` and
`async_runner.py` only do the steps.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeAlias

from penstock_client.errors import PenstockError
from penstock_client.messages import Request, Response, Result

Outcome: TypeAlias = Response | PenstockError
"""An answer whatever its status, or the error that the transport raised."""


@dataclass(frozen=True, slots=True)
class Hedge:
    """After `after_seconds` without an answer, `again` says what to send beside it: None for nothing."""

    after_seconds: float
    again: "Callable[[], Send | None]"
    is_good: Callable[[Outcome], bool]


@dataclass(frozen=True, slots=True)
class Send:
    request: Request
    timeout_seconds: float
    hedge: Hedge | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


Steps: TypeAlias = Generator[Send | Pause, Outcome | None, Result]
