"""A Batcher that notes of traced requests when they were queued, when they were sent, and in which batches they rode.

Only made where something is traced. A request that is not costs a look at a context variable, a batch of such a look at
an empty dictionary.
"""

from dataclasses import dataclass, field

from serving.backend_protocol import Arrays
from serving.batching.batcher import Batcher, SentCall
from serving.batching.events import Lane, QueueKey, SendBatch
from serving.batching.waiting import Waiter
from serving.errors import PenstockError
from serving.observability.request_trace import CURRENT, OUTGOING, BatchTrace, RequestTrace
from serving.observability.tracing import Tracing


@dataclass(slots=True)
class _Traces:
    """Under way: of requests by the batcher's number, of batches by theirs."""

    requests: dict[int, RequestTrace] = field(default_factory=dict)
    batches: dict[int, BatchTrace] = field(default_factory=dict)


@dataclass
class TracedBatcher(Batcher):
    tracing: Tracing = field(kw_only=True)
    most_remembered: int = field(default=1_000, kw_only=True)
    """Traced requests remembered before those that are over are forgotten."""
    _traces: _Traces = field(default_factory=_Traces)

    @property
    def under_way(self) -> tuple[int, int]:
        """Traced requests and batches that are not over."""
        return len(self._traces.requests), len(self._traces.batches)

    def submit(
        self, key: QueueKey, inputs: Arrays, deadline_seconds: float, waiter: Waiter, *, lane: Lane, tenant: str
    ) -> int:
        """What is started from here on works for many requests, so that the current one is none of theirs."""
        trace = CURRENT.get()
        if trace is None:
            return super().submit(key, inputs, deadline_seconds, waiter, lane=lane, tenant=tenant)
        token = CURRENT.set(None)
        try:
            number = super().submit(key, inputs, deadline_seconds, waiter, lane=lane, tenant=tenant)
        finally:
            CURRENT.reset(token)
        if not waiter.done():
            if trace.queued_seconds is None:
                trace.queued_seconds = self.clock()
            self._remember(number, trace)
        return number

    def give_up(self, number: int) -> None:
        self._traces.requests.pop(number, None)
        super().give_up(number)

    def _start(self, batch: SendBatch) -> bool:
        traced = self._traces.requests
        if not traced:
            return super()._start(batch)
        # once each: of a stream several predictions may share a batch
        riding = list(dict.fromkeys(traced[piece.request] for piece in batch.slices if piece.request in traced))
        if not riding:
            return super()._start(batch)
        target, context = batch.key.target, self.tracing.batch_begun(riding)
        trace = BatchTrace(
            context,
            riding[0],
            target.model,
            target.version,
            target.signature,
            batch.rows,
            batch.padded_rows,
            self.clock(),
            requests=riding,
        )
        for each in riding:
            each.batches.append(trace)
        self._traces.batches[batch.batch] = trace
        token = OUTGOING.set(context)
        try:
            return super()._start(batch)
        finally:
            OUTGOING.reset(token)

    def _finish(self, call: SentCall, outputs: Arrays, error: PenstockError | None) -> None:
        trace = self._traces.batches.pop(call.batch.batch, None)
        if trace is not None:
            trace.ended_seconds = self.clock()
            trace.error = type(error).__name__ if error is not None else ""
        super()._finish(call, outputs, error)
        if trace is not None:
            self.tracing.batch_ended(trace)
            for piece in call.batch.slices:
                if piece.request not in self._waiting:
                    self._traces.requests.pop(piece.request, None)

    def _remember(self, number: int, trace: RequestTrace) -> None:
        """Those that were never sent, for their time was over, are forgotten here: looking at every request that ends
        would cost all of them more.
        """
        requests = self._traces.requests
        if len(requests) >= self.most_remembered:
            for each in requests.keys() - self._waiting.keys():
                del requests[each]
        requests[number] = trace
