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
    caller: str = ""
    """The name of whoever asked, empty where nobody is asked for one."""

    @property
    def is_ok(self) -> bool:
        return self.code in (200, "OK")


class RequestObserver(Protocol):
    """Told of every request in the event loop: it returns at once and raises nothing."""

    def finished(self, request: FinishedRequest) -> None: ...


class Tracer(RequestObserver, Protocol):
    """Decides which requests are traced, and is told of those."""

    def begun(self, traceparent: bytes | None, tracestate: bytes | None) -> RequestTrace | None:
        """By what the caller sent; None for a request that is not traced."""


class RequestObservers:
    """All there are, as one: those `of_all` requests, and who traces some of them, if anybody does."""

    __slots__ = ("of_all", "tracer")

    def __init__(self, of_all: Sequence[RequestObserver], tracer: Tracer | None = None) -> None:
        self.of_all, self.tracer = tuple(of_all), tracer

    def finished(self, request: FinishedRequest) -> None:
        for observer in self.of_all:
            observer.finished(request)
        if request.trace is not None and self.tracer is not None:
            self.tracer.finished(request)
