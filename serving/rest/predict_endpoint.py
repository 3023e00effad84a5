"""What every prediction over REST goes through, the hot path: a plain ASGI callable, for FastAPI's own machinery costs
more than the whole answer.

Translates: head and body to a PredictRequest, the Prediction or the error to bytes; counts what came of it. What a
body says and how its answer looks is the `read` of each route.
"""

import asyncio
import functools
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from serving.access.caller import Verb
from serving.access.visitors import Visitors
from serving.batching.collate import all_finite
from serving.batching.events import Lane
from serving.catalog import ModelReference
from serving.errors import Cancelled, InternalError, PenstockError
from serving.observability.finished_requests import RequestObservers
from serving.observability.metrics import UNKNOWN, RequestMetrics
from serving.predict import Predictor
from serving.prediction import Prediction, PredictRequest
from serving.request_ids import RequestIds
from serving.rest.ask import INLINE_BYTES, Ask, ReadAsk
from serving.rest.body import read_body
from serving.rest.disconnects import Callers
from serving.rest.error_responses import error_response, status_of
from serving.rest.predict_answer import server_timing
from serving.rest.request_head import RequestHead, reference_of
from serving.rest.response import Begin, Cancel, Response, Tell, send_response
from serving.rest.visits import visited

_log = logging.getLogger(__name__)


def _nothing() -> None:
    """What there is to cancel of a request that was answered at once."""


@dataclass(slots=True)
class Call:
    """One request as it goes along: what is known of it so far, for the answer's headers and for the metrics."""

    request_id: str
    model: str
    started_seconds: float
    head: RequestHead
    signature: str = ""
    version: str = ""
    parse_seconds: float = 0.0
    decode_seconds: float | None = None
    encode_seconds: float | None = None

    def said(self, name: str | None) -> bytes | None:
        """As its head."""
        return self.head.said(name)


@dataclass(frozen=True, slots=True)
class Serving:
    """What the endpoints of one gateway share."""

    predictor: Predictor
    metrics: RequestMetrics
    max_body_bytes: int
    timeout_seconds: float
    clock: Callable[[], float] = time.monotonic
    request_ids: RequestIds = field(default_factory=RequestIds)
    callers: Callers = field(default_factory=Callers)
    model_timeouts: Mapping[str, float] = field(default_factory=dict)
    """Seconds, of models that have another limit than `timeout_seconds`."""
    observers: RequestObservers | None = None
    """Whom `observed_endpoint.py` tells of every request; None where nobody wants to know."""
    visitors: Visitors | None = None
    """Who may ask; None where everybody may."""

    def head(self, headers: Mapping[bytes, bytes]) -> RequestHead:
        return RequestHead(headers, None if self.visitors is None else self.visitors.coming(headers))

    def most_seconds(self, model: str) -> float:
        return self.model_timeouts.get(model, self.timeout_seconds)


@dataclass(frozen=True, slots=True)
class PredictEndpoint:
    """One way of asking: `read` understands its bodies, `protocol` is its name in the metrics."""

    serving: Serving
    read: ReadAsk
    protocol: str = "rest_v1"
    reference: Callable[[Mapping[str, str]], ModelReference] = reference_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            raise HTTPException(405, "Method Not Allowed: predictions are asked for with POST", {"Allow": "POST"})
        head, model = self.serving.head(dict(scope["headers"])), scope["path_params"]["model"]
        call = self.call(head, model)
        try:
            with head.visit(Verb.PREDICT, model):
                response = await self._answer(call, head, scope, receive)
        except Cancelled as error:
            self.count(call, status_of(error))
            return
        except Exception as failure:  # noqa: BLE001 - the outermost frame of a request
            response = self.refusal(call, self._foreseen(call, failure))
        self.count(call, response.status)
        await send_response(scope, send, response, call.request_id)

    def call(self, head: RequestHead, model: str) -> Call:
        """A request at its beginning; `model` is what it names."""
        known = model in self.serving.predictor.catalog.view.models  # a request's text never becomes a label
        return Call(self.serving.request_ids.of(head.given_id), model if known else UNKNOWN, self.serving.clock(), head)

    def prepare(self, head: RequestHead, parameters: Mapping[str, str]) -> Begin | None:
        """Answers small bodies that are all there, in a server that wants no task for each: what the head says is
        worked out here, once for all requests that begin with the very same. `parameters` is what the path names.

        The answer is told once, maybe at once, unless the request is cancelled. None, and nothing was done, where it
        takes more than that.
        """
        if b"content-encoding" in head.headers:
            return None
        head, model = self.serving.head(head.headers), parameters["model"]
        begin: Begin
        try:
            reference = self.reference(parameters)
            limits = (head.timeout_seconds(self.serving.most_seconds(reference.model)), head.lane())
        except PenstockError as error:
            begin = functools.partial(self._refuse, head, model, error)
        else:
            begin = functools.partial(self._begin, head, reference, limits)
        if head.visitor is None:
            return begin
        return visited(begin, functools.partial(self._refuse, head, model), head.visitor, model)

    def _refuse(self, head: RequestHead, model: str, error: PenstockError, _: bytes, answer: Tell) -> Cancel:
        call = self.call(head, model)
        response = self.refusal(call, error)
        self.count(call, response.status)
        answer(response, call.request_id)
        return _nothing

    def _begin(
        self,
        head: RequestHead,
        reference: ModelReference,
        limits: tuple[float, Lane | None],
        raw: bytes,
        answer: Tell,
    ) -> Cancel | None:
        if len(raw) > self.serving.max_body_bytes:
            return None
        call, clock = self.call(head, reference.model), self.serving.clock

        def told(outcome: Prediction | Exception) -> None:
            try:
                response = self._encoded(call, ask, outcome) if isinstance(outcome, Prediction) else None
            except Exception as failure:  # noqa: BLE001 - as in __call__
                response, outcome = None, failure
            if response is None:
                response = self.refusal(call, self._foreseen(call, outcome))
            self.count(call, response.status)
            try:
                answer(response, call.request_id)
            except Exception:  # noqa: BLE001 - one connection's fault, told in the middle of everybody's batch
                _log.exception("request %s could not be answered", call.request_id)

        try:
            parsing = clock()
            ask = self.read(head, raw)
            call.parse_seconds = clock() - parsing
            begun = self.serving.predictor.begin(self._request(call, reference, ask, *limits), told)
        except Exception as failure:  # noqa: BLE001 - as in __call__
            told(failure)
            return _nothing
        if begun is None:
            return None

        def cancel() -> None:
            if begun.cancel():
                self.count(call, status_of(Cancelled("the client went away")))

        return cancel

    def _request(
        self, call: Call, reference: ModelReference, ask: Ask, timeout: float, lane: Lane | None, *, dear: bool = False
    ) -> PredictRequest:
        """What is asked for, by the body where it says so, else by the head."""
        if ask.timeout_seconds is not None:
            timeout = min(timeout, ask.timeout_seconds)
        if ask.lane is not None:
            lane = ask.lane
        deadline = call.started_seconds + timeout
        dear = dear or ask.has_image_bytes
        visitor = call.head.visitor
        tenant, charge = ("", None) if visitor is None else (visitor.name, visitor.charge)
        return PredictRequest(
            reference, ask.signature, ask.decode, dear, deadline, ask.features_of, lane, tenant, call, charge
        )

    def _foreseen(self, call: Call, failure: object) -> PenstockError:
        """The error as it may be told: whatever is none of ours becomes InternalError, and the log has everything."""
        if isinstance(failure, PenstockError):
            return failure.with_traceback(None)  # whose frames hold the request, and it them: a cycle of megabytes
        error = failure if isinstance(failure, Exception) else None
        _log.error("request %s failed in an unforeseen way", call.request_id, exc_info=error)
        return InternalError("internal error")

    async def _answer(self, call: Call, head: RequestHead, scope: Scope, receive: Receive) -> Response:
        reference = self.reference(scope["path_params"])
        timeout = head.timeout_seconds(self.serving.most_seconds(reference.model))
        lane = head.lane()
        raw = await read_body(receive, head, self.serving.max_body_bytes)
        parsing = self.serving.clock()
        ask = self.read(head, raw) if len(raw) <= INLINE_BYTES else await asyncio.to_thread(self.read, head, raw)
        call.parse_seconds = self.serving.clock() - parsing
        request = self._request(call, reference, ask, timeout, lane, dear=len(raw) > INLINE_BYTES)
        with self.serving.callers.waiting(receive):
            prediction = await self.serving.predictor.predict(request)
        return self._encoded(call, ask, prediction)

    def _encoded(self, call: Call, ask: Ask, prediction: Prediction) -> Response:
        call.signature = ask.signature
        call.version = str(prediction.servable.version)
        call.decode_seconds = call.parse_seconds + prediction.decode_seconds
        started = self.serving.clock()
        encoded = ask.encode(prediction)
        if not prediction.all_finite and not all_finite(prediction.outputs):
            self.serving.metrics.non_finite_output(call.model, call.version)
        call.encode_seconds = self.serving.clock() - started
        timing = server_timing(prediction, call.decode_seconds, call.encode_seconds)
        headers = ((b"x-model-version", call.version.encode()), (b"server-timing", timing), *encoded.headers)
        return Response(200, encoded.body, headers, encoded.content_type)

    def refusal(self, call: Call, error: PenstockError) -> Response:
        self.serving.metrics.request_rejected(call.model, type(error).__name__)
        return error_response(error, call.request_id)

    def count(self, call: Call, status: int) -> None:
        total = self.serving.clock() - call.started_seconds
        series = (call.model, call.version, call.signature, self.protocol, status)
        self.serving.metrics.request_finished(series, total, call.decode_seconds, call.encode_seconds)
