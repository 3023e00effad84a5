"""Which requests are traced, and what becomes of those that were: the half that the event loop pays for.

Parent based: a caller's own decision stands, whatever it is, so that a trace is whole or not there; where there is
none, a share is drawn. A request that is not traced costs a look for its header and a draw.
"""

import random
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from serving.observability.finished_requests import FinishedRequest
from serving.observability.outbox import Outbox
from serving.observability.request_trace import BatchTrace, RequestTrace
from serving.observability.trace_context import TraceContext, read_context, says_no

MOST_WAITING = 2_000
"""Traced requests and batches, some 2 KB each."""
SLICE_TRACED = 8
"""Each becomes up to four spans, at some 30 us a span; these together are one message."""
NAME = "trace"

Traced: TypeAlias = "FinishedRequest | BatchTrace"


class SpanSink(Protocol):
    """Who makes spans of what was traced and sends them on. Called in a thread of its own."""

    def send(self, traced: Sequence[Traced]) -> None:
        """Raises what makes the whole of it lost."""

    def close(self) -> None: ...


class Tracing:
    """Decides, and hands on: a Tracer, a RequestObserver, and whom the batcher tells of batches."""

    def __init__(
        self,
        ratio: float,
        sink: SpanSink,
        chance: Callable[[], float] = random.random,
        bits: Callable[[int], int] = random.getrandbits,
    ) -> None:
        self._ratio, self._sink, self._chance, self._bits = ratio, sink, chance, bits
        self.outbox: Outbox[Traced] = Outbox(NAME, sink.send, most_items=MOST_WAITING, slice_items=SLICE_TRACED)

    def begun(self, traceparent: bytes | None, tracestate: bytes | None) -> RequestTrace | None:
        if traceparent is not None and says_no(traceparent):
            return None
        if traceparent is not None and (parent := read_context(traceparent, tracestate)) is not None:
            if not parent.is_sampled:
                return None
            context = TraceContext(parent.trace_id, self._id(64), is_sampled=True, tracestate=parent.tracestate)
            return RequestTrace(context, parent.span_id)
        if self._chance() >= self._ratio:
            return None
        return RequestTrace(TraceContext(self._id(128), self._id(64), is_sampled=True), None)

    def finished(self, request: FinishedRequest) -> None:
        self.outbox.offer(request)

    def batch_begun(self, requests: Sequence[RequestTrace]) -> TraceContext:
        """The span that the backend call of these requests will be: in the trace of the first, linked to all."""
        first = requests[0].context
        return TraceContext(first.trace_id, self._id(64), is_sampled=True, tracestate=first.tracestate)

    def batch_ended(self, batch: BatchTrace) -> None:
        self.outbox.offer(batch)

    def close(self) -> None:
        """Blocks until what was traced is sent, or the time for that is up."""
        self.outbox.close()
        self._sink.close()

    def _id(self, bits: int) -> int:
        """Zero means that there is none."""
        return self._bits(bits) or 1
