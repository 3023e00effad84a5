"""What the open-loop generator and its connections say to each other; HTTP and gRPC each have a file that holds to it.

Pure.
"""

from dataclasses import dataclass
from typing import Protocol

NO_ANSWER = 0
"""The status of a request whose connection broke, or that was not answered in time."""
GRPC_STATUS = 1000
"""Added to a gRPC code, so that OK is no `NO_ANSWER` and every status is a number."""


@dataclass(frozen=True, slots=True)
class WireRequest:
    """The whole of an HTTP/1.1 request, or the message of the gRPC method `/package.Service/Method`."""

    content: bytes
    method: str = ""


class Connection(Protocol):
    """Carries one request at a time."""

    def ask(self, number: int, request: WireRequest) -> None:
        """Send it now; exactly one of the listener's methods is called with this number, later."""

    def close(self) -> None:
        """Give up what is under way; the listener is told nothing more."""


class Listener(Protocol):
    def answered(self, connection: Connection, number: int, status: int, *, stays: bool) -> None:
        """All of the answer is there; the connection can be asked again if it `stays`."""

    def lost(self, connection: Connection, number: int | None, reason: str) -> None:
        """The connection is gone, and with it the request on it, if there was one."""


class Opener(Protocol):
    async def open(self, listener: Listener) -> Connection:
        """A new connection. Raises OSError when nobody takes it."""

    async def close(self) -> None:
        """Close what several connections share."""
