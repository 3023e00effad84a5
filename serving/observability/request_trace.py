"""One traced request as it goes along: its place in its trace, and the moments at which its batches took it.

Facts, filled in by the event loop and read once the request is over. Moments are seconds on the monotonic clock.
"""

from contextvars import ContextVar
from dataclasses import dataclass, field

from serving.observability.trace_context import TraceContext


@dataclass(slots=True, eq=False)
class BatchTrace:
    """One backend call in which traced requests ride: `context` is its own span's, `parent` the request in whose trace
    it stands.
    """

    context: TraceContext
    parent: "RequestTrace"
    model: str
    version: int
    signature: str
    rows: int
    padded_rows: int
    sent_seconds: float
    ended_seconds: float = 0.0
    error: str = ""
    requests: list["RequestTrace"] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class RequestTrace:
    """`context` is the request's own span's; `parent_span_id` is the caller's, None where the trace begins here."""

    context: TraceContext
    parent_span_id: int | None
    queued_seconds: float | None = None
    batches: list[BatchTrace] = field(default_factory=list)


CURRENT: ContextVar[RequestTrace | None] = ContextVar("penstock_request_trace", default=None)
"""The traced request that the running code works for, on its way to the batcher."""

OUTGOING: ContextVar[TraceContext | None] = ContextVar("penstock_outgoing_trace", default=None)
"""The span of the backend call that is being made, for whoever can tell it to a model server."""

TRACE_HEADER = "traceresponse"
"""In the answer to a traced request: which trace and which span it was. W3C Trace Context, level 3 (a draft):
https://w3c.github.io/trace-context/#traceresponse-header
"""


def outgoing_metadata() -> tuple[tuple[str, str], ...] | None:
    """The same as gRPC's metadata; None outside of a traced call."""
    context = OUTGOING.get()
    if context is None:
        return None
    told = (("traceparent", context.traceparent),)
    return (*told, ("tracestate", context.tracestate)) if context.tracestate else told
