"""`POST :predict`, the hot path: a plain ASGI callable, for FastAPI's own machinery costs more than the whole answer.

Translates: head and body to a PredictRequest, the Prediction or the error to bytes; counts what came of it.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from serving.errors import Cancelled, InternalError, PenstockError
from serving.observability.metrics import UNKNOWN, RequestMetrics, Series, Timings
from serving.predict import Prediction, Predictor, PredictRequest
from serving.rest.body import read_body
from serving.rest.disconnects import cancelled_on_disconnect
from serving.rest.error_responses import error_response, status_of
from serving.rest.predict_answer import encode_predictions, has_non_finite, server_timing
from serving.rest.predict_body import PredictBody, read_predict_body
from serving.rest.request_head import RequestHead, RequestIds, reference_of
from serving.rest.response import Response, send_response

PROTOCOL = "rest_v1"
INLINE_BYTES = 256 * 1024
"""Bodies up to this are parsed and decoded at once: under a millisecond or two, less than a thread is worth."""
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Call:
    """One request as it goes along: what is known of it so far, for the answer's headers and for the metrics."""

    request_id: str
    model: str
    started_seconds: float
    signature: str = ""
    version: str = ""
    decode_seconds: float | None = None
    encode_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class PredictEndpoint:
    predictor: Predictor
    metrics: RequestMetrics
    max_body_bytes: int
    timeout_seconds: float
    clock: Callable[[], float] = time.monotonic
    request_ids: RequestIds = field(default_factory=RequestIds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            raise HTTPException(405, "Method Not Allowed: predictions are asked for with POST", {"Allow": "POST"})
        head = RequestHead(dict(scope["headers"]))
        model = scope["path_params"]["model"]
        known = model in self.predictor.catalog.view.models  # a request's text never becomes a label
        call = _Call(self.request_ids.of(head), model if known else UNKNOWN, self.clock())
        try:
            response = await self._answer(call, head, scope, receive)
        except Cancelled as error:
            self._count(call, status_of(error))
            return
        except PenstockError as error:
            response = self._refusal(call, error)
        except Exception:  # noqa: BLE001 - the outermost frame of a request: it is told its id, the log everything
            _log.exception("request %s failed in an unforeseen way", call.request_id)
            response = self._refusal(call, InternalError("internal error"))
        self._count(call, response.status)
        await send_response(send, response, call.request_id)

    async def _answer(self, call: _Call, head: RequestHead, scope: Scope, receive: Receive) -> Response:
        reference = reference_of(scope["path_params"])
        deadline = call.started_seconds + head.timeout_seconds(self.timeout_seconds)
        raw = await read_body(receive, head, self.max_body_bytes)
        parsing = self.clock()
        body = await self._parsed(head.media_type, raw)
        parse_seconds = self.clock() - parsing
        dear = body.has_image_bytes or len(raw) > INLINE_BYTES
        request = PredictRequest(reference, body.signature, body.decode, dear, deadline)
        with cancelled_on_disconnect(receive):
            prediction = await self.predictor.predict(request)
        call.signature = body.signature
        call.version = str(prediction.servable.version)
        call.decode_seconds = parse_seconds + prediction.decode_seconds
        return self._encoded(call, prediction)

    async def _parsed(self, media_type: str, raw: bytes) -> PredictBody:
        if len(raw) <= INLINE_BYTES:
            return read_predict_body(media_type, raw)
        return await asyncio.to_thread(read_predict_body, media_type, raw)

    def _encoded(self, call: _Call, prediction: Prediction) -> Response:
        started = self.clock()
        content = encode_predictions(prediction.outputs)
        if has_non_finite(prediction.outputs):
            self.metrics.non_finite_output(call.model, call.version)
        call.encode_seconds = self.clock() - started
        timing = server_timing(prediction, call.decode_seconds or 0.0, call.encode_seconds)
        headers = ((b"x-model-version", call.version.encode()), (b"server-timing", timing))
        return Response(200, content, headers)

    def _refusal(self, call: _Call, error: PenstockError) -> Response:
        self.metrics.request_rejected(call.model, type(error).__name__)
        return error_response(error, call.request_id)

    def _count(self, call: _Call, status: int) -> None:
        series = Series(call.model, call.version, call.signature, PROTOCOL)
        total = self.clock() - call.started_seconds
        self.metrics.request_finished(series, status, Timings(total, call.decode_seconds, call.encode_seconds))
