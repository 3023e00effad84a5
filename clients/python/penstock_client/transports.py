"""What carries a request to the gateway and brings the answer: the two promises that every wire keeps.

A transport decides nothing: no retries, no reading of answers. HTTP's is `http_transport.py`.
"""

from typing import Protocol

from penstock_client.messages import Request, Response


class Transport(Protocol):
    """For `Client`. Threads may share one."""

    def send(self, request: Request, *, timeout_seconds: float) -> Response:
        """The answer, whatever its status, within `timeout_seconds` from now.

        Raises ConnectionFailed where there is no gateway or the connection breaks, DeadlineExceeded where the time
        is over; no other error leaves a transport.
        """
        ...

    def close(self) -> None: ...


class AsyncTransport(Protocol):
    """For `AsyncClient`: the same by `await`, under other names so that one object may be both.

    A cancelled `asend` gives up the request and leaves the transport usable.
    """

    async def asend(self, request: Request, *, timeout_seconds: float) -> Response: ...

    async def aclose(self) -> None: ...
