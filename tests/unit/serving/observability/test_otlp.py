"""Spans made of what was noted: their tree, their times, their links, and whose fault an error is."""

from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode

from serving.errors import BackendUnavailable
from serving.observability.otlp import OtlpSink
from serving.observability.tracing import Traced
from tests.unit.serving.observability.observed import batch_of, refused, request, traced

OFFSET = 1_800_000_000.0


class Exporter(SpanExporter):
    def __init__(self, result: SpanExportResult = SpanExportResult.SUCCESS) -> None:
        self.result, self.spans = result, list[ReadableSpan]()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return self.result


def spans_of(*sent: Traced) -> dict[str, ReadableSpan]:
    exporter = Exporter()
    OtlpSink(exporter, lambda: OFFSET).send(sent)
    return {span.name: span for span in exporter.spans}


def seconds(span: ReadableSpan) -> tuple[float, float]:
    """Since 100 on the monotonic clock, in milliseconds."""
    assert span.start_time
    assert span.end_time
    return tuple(round((at / 1e9 - OFFSET - 100) * 1e3, 2) for at in (span.start_time, span.end_time))  # type: ignore[return-value]  # two of two


def test_a_request_is_a_tree_of_spans_with_the_moments_of_its_receipt() -> None:
    one = traced(5, parent=4, tracestate="a=1")
    batch_of(one)
    spans = spans_of(request(trace=one))
    server = spans["predict doubles"]
    assert {name: seconds(span) for name, span in spans.items()} == {
        "predict doubles": (0.0, 10.0),
        "decode": (0.0, 1.0),
        "queue": (1.0, 3.0),
        "encode": (9.5, 10.0),
    }
    assert server.kind is SpanKind.SERVER
    assert server.parent is not None
    assert (server.parent.span_id, server.parent.is_remote, server.context.trace_id) == (4, True, 7)
    assert server.context.trace_state.to_header() == "a=1"
    children = [spans[name] for name in ("decode", "queue", "encode")]
    assert [child.parent and child.parent.span_id for child in children] == [5, 5, 5]
    assert len({span.context.span_id for span in spans.values()}) == 4


def test_the_queue_leads_to_the_batch_and_the_batch_to_all_its_requests() -> None:
    one, two = traced(5), traced(6)
    batch = batch_of(one, two)
    spans = spans_of(request(trace=two), batch)
    assert [link.context.span_id for link in spans["queue"].links] == [99]
    called = spans["backend doubles"]
    assert called.kind is SpanKind.CLIENT
    assert called.parent is not None
    assert (called.context.span_id, called.parent.span_id) == (99, 5)
    assert [link.context.span_id for link in called.links] == [5, 6]
    assert seconds(called) == (3.0, 9.0)
    assert called.attributes
    assert called.attributes["penstock.batch.rows"] == 8


@pytest.mark.parametrize(
    ("code", "status", "attribute"),
    [
        (200, StatusCode.UNSET, ("http.response.status_code", 200)),
        (400, StatusCode.UNSET, ("http.response.status_code", 400)),
        (503, StatusCode.ERROR, ("error.type", "503")),
        ("OK", StatusCode.UNSET, ("rpc.grpc.status_code", 0)),
        ("NOT_FOUND", StatusCode.UNSET, ("rpc.grpc.status_code", 5)),
        ("UNAVAILABLE", StatusCode.ERROR, ("rpc.grpc.status_code", 14)),
    ],
)
def test_a_server_is_in_error_by_its_own_faults(
    code: int | str, status: StatusCode, attribute: tuple[str, object]
) -> None:
    protocol = "rest_v1" if isinstance(code, int) else "grpc_v2"
    span = spans_of(request(code=code, protocol=protocol, trace=traced(5)))["predict doubles"]
    assert span.status.status_code is status
    assert attribute in dict(span.attributes or {}).items()


def test_a_request_that_was_refused_at_once_has_one_span() -> None:
    one = traced(5)
    one.queued_seconds = None
    assert spans_of(refused(404, trace=one)).keys() == {"predict doubles"}


def test_a_request_that_waited_in_vain_waited_to_its_end() -> None:
    assert seconds(spans_of(refused(504, trace=traced(5)))["queue"]) == (1.0, 10.0)


def test_a_call_that_failed_is_in_error() -> None:
    span = spans_of(batch_of(traced(5), error="BackendUnavailable"))["backend doubles"]
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "BackendUnavailable"


def test_a_collector_that_takes_nothing_is_told_on() -> None:
    with pytest.raises(BackendUnavailable):
        OtlpSink(Exporter(SpanExportResult.FAILURE), lambda: OFFSET).send([request(trace=traced(5))])
