"""What is known of a request once it is answered, and who is told: what both protocols share of logs and traces.

Facts only. The observers are chosen when the gateway is put together; without any, no request meets this file.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from serving.batching.waiting import Receipt
from serving.observability.request_trace import RequestTrace


class FinishedRequest(NamedTuple):
    """`ended_seconds` is a moment of the monotonic clock. `code` is the HTTP status or the name of the gRPC status;
    the split is None where the request never got so far.
    """

    ended_seconds: float
    total_seconds: float
    request_id: str
    protocol: str
    model: str
    version: str
    signature: str
    code: int | str
    rows: int | None
    decode_seconds: float | None
    encode_seconds: float | None
    receipt: Receipt | None
    trace: RequestTrace | None

    @property
    def is_ok(self) -> bool:
        return self.code in (200, "OK")


class RequestObserver(Protocol):
    """Told of every request in the event loop: it returns at once and raises nothing."""

    def finished(self, request: FinishedRequest) -> None: ...


class Tracer(Protocol):
    """Decides which requests are traced."""

    def begun(self, traceparent: bytes | None, tracestate: bytes | None) -> RequestTrace | None:
        """By what the caller sent; None for a request that is not traced."""


class RequestObservers:
    """All there are, as one. `tracer` is None where nothing is traced."""

    __slots__ = ("_observers", "tracer")

    def __init__(self, observers: Sequence[RequestObserver], tracer: Tracer | None = None) -> None:
        self._observers, self.tracer = tuple(observers), tracer

    def finished(self, request: FinishedRequest) -> None:
        for observer in self._observers:
            observer.finished(request)
