"""Requests as observers are told of them, and an observer that keeps what it was told."""

from dataclasses import dataclass, field
from typing import Any

from serving.batching.waiting import Receipt
from serving.observability.finished_requests import FinishedRequest
from serving.observability.request_trace import BatchTrace, RequestTrace
from serving.observability.trace_context import TraceContext

ANSWERED = FinishedRequest(
    ended_seconds=100.010,
    total_seconds=0.010,
    request_id="mine-7",
    protocol="rest_v1",
    model="doubles",
    version="2",
    signature="serving_default",
    code=200,
    rows=3,
    decode_seconds=0.001,
    encode_seconds=0.0005,
    receipt=Receipt(0.002, 0.006, 8),
    trace=None,
)


def request(**different: Any) -> FinishedRequest:
    """ANSWERED, or what of it is `different`."""
    return ANSWERED._replace(**different)


def refused(code: int | str, **different: Any) -> FinishedRequest:
    """One that never got to its model."""
    nothing = {"rows": None, "decode_seconds": None, "encode_seconds": None, "receipt": None}
    return request(code=code, version="", signature="", **nothing, **different)


def traced(span_id: int, *, parent: int | None = None, tracestate: str = "") -> RequestTrace:
    """Of trace 7, queued at 100.001."""
    return RequestTrace(TraceContext(7, span_id, is_sampled=True, tracestate=tracestate), parent, 100.001)


def batch_of(*requests: RequestTrace, error: str = "") -> BatchTrace:
    """In the trace of the first, its span 99, from 100.003 to 100.009."""
    context = TraceContext(requests[0].context.trace_id, 99, is_sampled=True)
    batch = BatchTrace(
        context, requests[0], "doubles", 2, "serving_default", 8, 8, 100.003, 100.009, error, [*requests]
    )
    for each in requests:
        each.batches.append(batch)
    return batch


@dataclass
class Told:
    """A RequestObserver."""

    requests: list[FinishedRequest] = field(default_factory=list)

    def finished(self, request: FinishedRequest) -> None:
        self.requests.append(request)
