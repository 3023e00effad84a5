"""What was traced as OpenTelemetry's spans, sent on by OTLP over HTTP. The one file that imports OpenTelemetry.

Spans are made once all is over, of moments that were noted; OpenTelemetry's own way, a span opened and closed around
each piece of work, would cost every traced request some 100 us on the event loop. Semantic conventions:
https://opentelemetry.io/docs/specs/semconv/http/http-spans/ and .../rpc/grpc/.
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version

from grpc import StatusCode as GrpcStatus
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from serving.errors import BackendUnavailable
from serving.observability.access_log import FAULTS
from serving.observability.finished_requests import FinishedRequest
from serving.observability.request_trace import BatchTrace, RequestTrace
from serving.observability.trace_context import TraceContext
from serving.observability.tracing import Traced
from serving.observability.wall_clock import wall_offset_seconds

EXPORT_SECONDS = 5.0
"""How long a collector may take with one message, retries included."""
PATH = "/v1/traces"
GRPC_SERVICES: Mapping[str, str] = {
    "grpc_tfs": "tensorflow.serving.PredictionService",
    "grpc_v2": "inference.GRPCInferenceService",
}
Attributes = dict[str, "str | int"]


class OtlpSink:
    """A SpanSink. What stands in OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME and OTEL_EXPORTER_OTLP_HEADERS holds."""

    def __init__(self, exporter: SpanExporter, wall: Callable[[], float] = wall_offset_seconds) -> None:
        self._exporter, self._wall = exporter, wall
        self._resource = _resource()
        self._scope = InstrumentationScope("penstock", version("penstock"))

    def send(self, traced: Sequence[Traced]) -> None:
        spans = [span for each in traced for span in self._spans(each)]
        if self._exporter.export(spans) is not SpanExportResult.SUCCESS:
            raise BackendUnavailable("the collector does not take them")

    def close(self) -> None:
        self._exporter.shutdown()

    def _spans(self, traced: Traced) -> Iterator[ReadableSpan]:
        offset = self._wall()
        if isinstance(traced, BatchTrace):
            yield self._batch(traced, offset)
        elif traced.trace is not None:
            yield from self._request(traced, traced.trace, offset)

    def _request(self, request: FinishedRequest, trace: RequestTrace, offset: float) -> Iterator[ReadableSpan]:
        own, ended, queued = trace.context, request.ended_seconds, trace.queued_seconds
        caller = None if trace.parent_span_id is None else _other(own, trace.parent_span_id, is_remote=True)
        began = ended - request.total_seconds
        yield self._span(
            f"predict {request.model}",
            _context(own),
            caller,
            (began + offset, ended + offset),
            kind=SpanKind.SERVER,
            attributes=_attributes(request),
            is_error=_is_fault(request.code),
        )
        parts: list[tuple[str, float, float, Sequence[Link]]] = []
        if queued is not None:
            if request.decode_seconds is not None:
                parts.append(("decode", max(began, queued - request.decode_seconds), queued, ()))
            sent = trace.batches[0].sent_seconds if trace.batches else ended
            parts.append(("queue", queued, sent, [Link(_context(batch.context)) for batch in trace.batches]))
        if request.encode_seconds is not None:
            parts.append(("encode", ended - request.encode_seconds, ended, ()))
        for number, (name, start, end, links) in enumerate(parts):
            context = _other(own, _child_id(own.span_id, number))
            yield self._span(name, context, _context(own), (start + offset, end + offset), links=links)

    def _batch(self, batch: BatchTrace, offset: float) -> ReadableSpan:
        attributes: Attributes = {
            "penstock.model": batch.model,
            "penstock.version": str(batch.version),
            "penstock.signature": batch.signature,
            "penstock.batch.rows": batch.rows,
            "penstock.batch.padded_rows": batch.padded_rows,
            "penstock.batch.traced_requests": len(batch.requests),
        }
        if batch.error:
            attributes["error.type"] = batch.error
        return self._span(
            f"backend {batch.model}",
            _context(batch.context),
            _context(batch.parent.context),
            (batch.sent_seconds + offset, batch.ended_seconds + offset),
            kind=SpanKind.CLIENT,
            attributes=attributes,
            links=[Link(_context(request.context)) for request in batch.requests],
            is_error=bool(batch.error),
        )

    def _span(
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        unix_seconds: tuple[float, float],
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes | None = None,
        links: Sequence[Link] = (),
        is_error: bool = False,
    ) -> ReadableSpan:
        start, end = unix_seconds
        return ReadableSpan(
            name,
            context,
            parent,
            self._resource,
            attributes or {},
            (),
            links,
            kind,
            status=Status(StatusCode.ERROR if is_error else StatusCode.UNSET),
            start_time=int(start * 1e9),
            end_time=int(max(start, end) * 1e9),
            instrumentation_scope=self._scope,
        )


def otlp_sink(endpoint: str) -> OtlpSink:
    """`endpoint` is a collector's address, such as http://localhost:4318, with or without PATH."""
    # it tells each failure with a traceback; the outbox says once that there are some
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    address = endpoint.rstrip("/")
    url = address if address.endswith(PATH) else address + PATH
    return OtlpSink(OTLPSpanExporter(endpoint=url, timeout=EXPORT_SECONDS))


def _resource() -> Resource:
    found = Resource.create({"service.version": version("penstock"), "process.pid": os.getpid()})
    named = str(found.attributes.get(SERVICE_NAME, "unknown_service"))
    return found.merge(Resource({SERVICE_NAME: "penstock"})) if named.startswith("unknown_service") else found


def _attributes(request: FinishedRequest) -> Attributes:
    attributes: Attributes = {
        "penstock.model": request.model,
        "penstock.protocol": request.protocol,
        "penstock.request_id": request.request_id,
    }
    if request.version:
        attributes |= {"penstock.version": request.version, "penstock.signature": request.signature}
    if request.caller:
        attributes["enduser.id"] = request.caller
    if request.rows is not None:
        attributes["penstock.rows"] = request.rows
    if isinstance(request.code, int):
        attributes |= {"http.request.method": "POST", "http.response.status_code": request.code, "url.scheme": "http"}
    else:
        number: int = GrpcStatus[request.code].value[0]
        attributes |= {"rpc.system": "grpc", "rpc.grpc.status_code": number}
        if request.protocol in GRPC_SERVICES:
            attributes["rpc.service"] = GRPC_SERVICES[request.protocol]
    if _is_fault(request.code):
        attributes["error.type"] = str(request.code)
    return attributes


def _is_fault(code: int | str) -> bool:
    """A server's span is in error by its own faults, not by its callers'."""
    return code >= 500 if isinstance(code, int) else code in FAULTS


def _child_id(span_id: int, number: int) -> int:
    """Of the few children of one span: as good as drawn, and none is drawn before somebody needs it."""
    return (span_id + 0x9E3779B97F4A7C15 * (number + 1)) % (1 << 64) or 1


def _context(context: TraceContext) -> SpanContext:
    return _other(context, context.span_id)


def _other(context: TraceContext, span_id: int, *, is_remote: bool = False) -> SpanContext:
    """The same trace's, of another span."""
    state = TraceState.from_header([context.tracestate]) if context.tracestate else TraceState()
    return SpanContext(context.trace_id, span_id, is_remote, TraceFlags(TraceFlags.SAMPLED), state)
