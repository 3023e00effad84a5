"""Calls that are observed: what a log line and a trace need is noted as they go along.

Only made where somebody observes (`calls_of`); else calls never come here, and pay nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from grpc import StatusCode

from serving.access.visitors import Visitors
from serving.batching.company import Company
from serving.catalog import Catalog
from serving.grpc.call_head import CallHead
from serving.grpc.calls import Call, Calls, Context
from serving.grpc.error_status import Metadata
from serving.observability.finished_requests import FinishedRequest, RequestObservers
from serving.observability.metrics import RequestMetrics
from serving.observability.request_trace import CURRENT, TRACE_HEADER, RequestTrace


@dataclass(slots=True)
class ObservedCall(Call):
    trace: RequestTrace | None = None

    def metadata(self) -> Metadata:
        """With the trace's own line, where there is a trace."""
        receipt = Call.metadata(self)
        if self.trace is None:
            return receipt
        return (*receipt, (TRACE_HEADER, self.trace.context.traceparent))


@dataclass(frozen=True)
class ObservedCalls(Calls):
    """`observers` are told of every call that is counted."""

    observers: RequestObservers = field(kw_only=True)

    def begun(self, request_id: str | None) -> Call:
        now = self.clock()
        return ObservedCall(self.request_ids.of(request_id), now, now + self.timeout_seconds)

    def limit(self, call: Call, head: CallHead, context: Context) -> None:
        """The first that is done with a call once its metadata are known; each call has a task of its own."""
        tracer = self.observers.tracer
        if tracer is not None and isinstance(call, ObservedCall):
            given = dict(call.given)
            call.trace = tracer.begun(_bytes(given.get("traceparent")), _bytes(given.get("tracestate")))
            if call.trace is not None:
                CURRENT.set(call.trace)
        super().limit(call, head, context)

    def finished(self, protocol: str, call: Call, status: StatusCode) -> None:
        super().finished(protocol, call, status)
        if not protocol or not isinstance(call, ObservedCall):
            return
        if call.trace is None and not self.observers.of_all:
            return
        ended = self.clock()
        last = call.predictions[-1] if call.predictions else None
        rows = len(next(iter(last.outputs.values()))) if last and last.outputs else None
        self.observers.finished(
            FinishedRequest(
                ended,
                ended - call.started_seconds,
                call.request_id,
                protocol,
                call.model,
                call.version,
                call.signature,
                status.name,
                rows,
                call.decode_seconds,
                call.encode_seconds,
                last.receipt if last else None,
                call.trace,
                call.caller,
            )
        )


def calls_of(
    catalog: Catalog,
    metrics: RequestMetrics,
    timeout_seconds: float,
    *,
    model_timeouts: Mapping[str, float],
    company: Company,
    observers: RequestObservers | None,
    visitors: Visitors | None,
) -> Calls:
    """Observed where there are observers."""
    if observers is None:
        return Calls(
            catalog, metrics, timeout_seconds, model_timeouts=model_timeouts, company=company, visitors=visitors
        )
    return ObservedCalls(
        catalog,
        metrics,
        timeout_seconds,
        model_timeouts=model_timeouts,
        company=company,
        visitors=visitors,
        observers=observers,
    )


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode("latin-1", "replace") if isinstance(value, str) else value
