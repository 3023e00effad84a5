"""A PredictEndpoint whose requests are observed: what a log line and a trace need is noted as they go along.

Only made where somebody observes (`endpoint_of`); else requests never come here, and pay nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from serving.batching.events import Lane
from serving.batching.waiting import Receipt
from serving.catalog import ModelReference
from serving.errors import PenstockError
from serving.observability.finished_requests import FinishedRequest, RequestObservers
from serving.observability.metrics import UNKNOWN
from serving.observability.request_trace import CURRENT, TRACE_HEADER, RequestTrace
from serving.prediction import Prediction
from serving.rest.ask import Ask, ReadAsk
from serving.rest.predict_endpoint import Call, PredictEndpoint, Serving
from serving.rest.request_head import RequestHead, reference_of
from serving.rest.response import Cancel, Response, Tell

NOBODY = RequestObservers(())


@dataclass(slots=True)
class ObservedCall(Call):
    rows: int | None = None
    receipt: Receipt | None = None
    trace: RequestTrace | None = None


def endpoint_of(
    serving: Serving,
    read: ReadAsk,
    protocol: str = "rest_v1",
    reference: Callable[[Mapping[str, str]], ModelReference] = reference_of,
) -> PredictEndpoint:
    """One way of asking, observed where `serving` has observers."""
    kind = PredictEndpoint if serving.observers is None else ObservedEndpoint
    return kind(serving, read, protocol, reference)


class ObservedEndpoint(PredictEndpoint):
    @property
    def observers(self) -> RequestObservers:
        return self.serving.observers or NOBODY

    def call(self, head: RequestHead, model: str) -> Call:
        """While the request is on its way to the batcher, its trace is the current one."""
        known = model in self.serving.predictor.catalog.view.models
        request_id = self.serving.request_ids.of(head.given_id)
        call = ObservedCall(request_id, model if known else UNKNOWN, self.serving.clock(), head)
        tracer = self.observers.tracer
        if tracer is not None:
            call.trace = tracer.begun(head.headers.get(b"traceparent"), head.headers.get(b"tracestate"))
            if call.trace is not None:
                CURRENT.set(call.trace)
        return call

    def count(self, call: Call, status: int) -> None:
        super().count(call, status)
        observers = self.observers
        if not isinstance(call, ObservedCall) or (call.trace is None and not observers.of_all):
            return
        ended = self.serving.clock()
        observers.finished(
            FinishedRequest(
                ended,
                ended - call.started_seconds,
                call.request_id,
                self.protocol,
                call.model,
                call.version,
                call.signature,
                status,
                call.rows,
                call.decode_seconds,
                call.encode_seconds,
                call.receipt,
                call.trace,
                "" if call.head.visitor is None else call.head.visitor.name,
            )
        )

    def _encoded(self, call: Call, ask: Ask, prediction: Prediction) -> Response:
        if isinstance(call, ObservedCall):
            call.receipt = prediction.receipt
            for array in prediction.outputs.values():
                call.rows = len(array)
                break
        return _told(call, super()._encoded(call, ask, prediction))

    def refusal(self, call: Call, error: PenstockError) -> Response:
        return _told(call, super().refusal(call, error))

    def _begin(
        self,
        head: RequestHead,
        reference: ModelReference,
        limits: tuple[float, Lane | None],
        raw: bytes,
        answer: Tell,
    ) -> Cancel | None:
        try:
            return super()._begin(head, reference, limits, raw, answer)
        finally:
            self._forget()

    def _refuse(self, head: RequestHead, model: str, error: PenstockError, body: bytes, answer: Tell) -> Cancel:
        try:
            return super()._refuse(head, model, error, body, answer)
        finally:
            self._forget()

    def _forget(self) -> None:
        """These run in a context that all requests of a connection share, where a task has one of its own."""
        if self.observers.tracer is not None:
            CURRENT.set(None)


def _told(call: Call, response: Response) -> Response:
    """With the trace's own header, where there is a trace."""
    if not isinstance(call, ObservedCall) or call.trace is None:
        return response
    told = (TRACE_HEADER.encode(), call.trace.context.traceparent.encode())
    return response._replace(headers=(*response.headers, told))
