"""A transport without a network, for the tests of apps that use this client, as httpx's MockTransport is for httpx's.

`Client("http://gateway", transport=InProcess(answer))` hands each request to `answer`; `scripted_models.py` has a ready
one. The client is the real one, its retries and deadlines included; with a FakeClock they take no time.
"""

from collections.abc import Callable

from penstock_client.clocks import Clock, SystemClock
from penstock_client.errors import DeadlineExceeded
from penstock_client.messages import Request, Response

__all__ = ["FakeClock", "InProcess", "Request", "Response"]


class FakeClock:
    """Time that stands still until somebody sleeps, or until `advance` is called."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    async def asleep(self, seconds: float) -> None:
        self.advance(seconds)


class InProcess:
    """Implements `penstock_client.transports.Transport` and `AsyncTransport` by a function.

    `answer` may raise ConnectionFailed as a network would. Where `clock` says that it took longer than the request
    had, the client sees DeadlineExceeded. `asked` has every request so far.
    """

    def __init__(self, answer: Callable[[Request], Response], *, clock: Clock | None = None) -> None:
        self._answer = answer
        self._clock = clock or SystemClock()
        self.asked: list[Request] = []

    def send(self, request: Request, *, timeout_seconds: float) -> Response:
        self.asked.append(request)
        began_at = self._clock.now()
        response = self._answer(request)
        if self._clock.now() - began_at > timeout_seconds:
            raise DeadlineExceeded(f"no answer within {timeout_seconds:.3g} s")
        return response

    async def asend(self, request: Request, *, timeout_seconds: float) -> Response:
        return self.send(request, timeout_seconds=timeout_seconds)

    def close(self) -> None:
        """There is nothing to close."""

    async def aclose(self) -> None:
        """There is nothing to close."""
