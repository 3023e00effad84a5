"""Which requests are traced."""

from collections.abc import Sequence

import pytest

from serving.observability.tracing import Traced, Tracing
from tests.unit.serving.observability.observed import batch_of, request, traced

SAMPLED = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
UNSAMPLED = SAMPLED[:-2] + b"00"


class Sink:
    def __init__(self) -> None:
        self.sent: list[Traced] = []
        self.closed = False

    def send(self, traced: Sequence[Traced]) -> None:
        self.sent += traced

    def close(self) -> None:
        self.closed = True


def tracing(ratio: float, drawn: float = 0.5, bits: int = 0) -> Tracing:
    return Tracing(ratio, Sink(), lambda: drawn, lambda _: bits)


def test_a_callers_trace_goes_on_under_a_span_of_its_own() -> None:
    found = tracing(0.0, bits=3).begun(SAMPLED, b"a=1")
    assert found is not None
    assert found.parent_span_id == 0x00F067AA0BA902B7
    assert found.context.traceparent == "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000003-01"
    assert found.context.tracestate == "a=1"


def test_a_caller_who_does_not_trace_is_not_traced() -> None:
    assert tracing(1.0).begun(UNSAMPLED, None) is None


@pytest.mark.parametrize("given", [None, b"not a traceparent"])
@pytest.mark.parametrize(("drawn", "is_traced"), [(0.29, True), (0.3, False)])
def test_whoever_did_not_decide_is_drawn(given: bytes | None, drawn: float, is_traced: bool) -> None:  # noqa: FBT001 - a column
    found = tracing(0.3, drawn).begun(given, None)
    assert (found is not None) == is_traced


def test_no_id_is_zero() -> None:
    found = tracing(1.0, bits=0).begun(None, None)
    assert found is not None
    assert (found.context.trace_id, found.context.span_id, found.parent_span_id) == (1, 1, None)


def test_a_batch_stands_in_the_trace_of_the_first_that_is_traced() -> None:
    context = tracing(1.0, bits=9).batch_begun([traced(5, tracestate="a=1"), traced(6)])
    assert (context.trace_id, context.span_id, context.tracestate) == (7, 9, "a=1")


def test_what_was_traced_is_sent() -> None:
    sink = Sink()
    tracing = Tracing(1.0, sink)
    tracing.outbox.start()
    one = traced(5)
    tracing.finished(request(trace=one))
    batch = batch_of(one)
    tracing.batch_ended(batch)
    tracing.close()
    assert sink.sent == [request(trace=one), batch]
    assert sink.closed
