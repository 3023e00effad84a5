"""`:predict` for forms of many rows: read, predicted and answered a batch at a time, in constant memory.

The version is chosen once and kept for the whole stream. A few batches are under way at a time; answers keep the rows'
order. The deadline counts anew for every batch, and for every wait on the caller.
"""

import asyncio
import functools
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from types import MappingProxyType

from starlette.types import Message, Receive, Scope, Send

from serving.access.caller import Verb
from serving.batching.collate import all_finite
from serving.catalog import ModelReference, Servable
from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.contract.features import Feature, ImageFeature
from serving.errors import (
    Cancelled,
    DeadlineExceeded,
    InternalError,
    InvalidInput,
    Overloaded,
    PenstockError,
    RetryLater,
)
from serving.prediction import Prediction, PredictRequest
from serving.preprocessing.row_records import CsvReader, NdjsonReader, Record, RowReader
from serving.rest.accept import preferred
from serving.rest.body import check_encoding
from serving.rest.error_responses import status_of
from serving.rest.observed_endpoint import ObservedCall
from serving.rest.predict_endpoint import Call, PredictEndpoint
from serving.rest.request_head import RequestHead, reference_of
from serving.rest.response import Begin, send_response
from serving.rest.row_answers import CSV, NDJSON, last_line, lines_of
from serving.rest.row_batches import Batch, Outcome, rows_per_batch

READERS: Mapping[str, Callable[[int], RowReader]] = MappingProxyType(
    {
        NDJSON: NdjsonReader,
        "application/ndjson": NdjsonReader,
        "application/jsonl": NdjsonReader,
        "application/x-jsonlines": NdjsonReader,
        CSV: CsvReader,
    }
)
BATCHES_UNDER_WAY = 4
"""Enough that the backend never waits for the next batch, few enough that a stream leaves the queue to others."""
MAX_RECORD_BYTES = 4 * 1024 * 1024
"""The longest line: an image of some three megabytes as base64."""
_LONGEST_WAIT_SECONDS = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RowsEndpoint:
    """Streams what comes as rows; every other form goes to `whole`."""

    whole: PredictEndpoint
    max_batch_rows: int

    def prepare(self, head: RequestHead, parameters: Mapping[str, str]) -> Begin | None:
        return None if head.media_type in READERS else self.whole.prepare(head, parameters)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST" or not _comes_as_rows(scope["headers"]):
            await self.whole(scope, receive, send)
            return
        head = self.whole.serving.head(dict(scope["headers"]))
        call = self.whole.call(head, scope["path_params"]["model"])
        try:
            with head.visit(Verb.PREDICT, scope["path_params"]["model"]):
                stream = _Stream(self, call, head, receive, send)
                status = await stream.run(reference_of(scope["path_params"]))
        except Cancelled as error:
            status = status_of(error)
        except PenstockError as error:
            await send_response(scope, send, response := self.whole.refusal(call, error), call.request_id)
            status = response.status
        self.whole.count(call, status)


def _comes_as_rows(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Bytes as they are, for every prediction passes here. The last one counts, as everywhere."""
    for name, value in reversed(headers):
        if name == b"content-type":
            return value != b"application/json" and RequestHead({name: value}).media_type in READERS
    return False


def paces_itself(method: str, path: str, headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether a request is a stream of rows: it may stop for as long as `_Stream` lets it, either way."""
    return method == "POST" and path.endswith(":predict") and _comes_as_rows(headers)


class _Stream:
    """One request under way. `run` raises only what comes before the answer has begun, and Cancelled."""

    def __init__(self, endpoint: RowsEndpoint, call: Call, head: RequestHead, receive: Receive, send: Send) -> None:
        check_encoding(head)
        self._serving = endpoint.whole.serving
        self._refused = endpoint.whole.refusal
        self._most = endpoint.max_batch_rows
        self._call = call
        self._receive, self._send = receive, send
        self._timeout_seconds = head.timeout_seconds(self._serving.most_seconds(call.model))
        self._lane, self._visitor = head.lane(), head.visitor
        self._reader = READERS[head.media_type](min(MAX_RECORD_BYTES, self._serving.max_body_bytes))
        self._media_type = preferred(head.headers.get(b"accept"), (NDJSON, CSV))
        self._answered_rows = 0

    async def run(self, reference: ModelReference) -> int:
        """The status that the request counts under."""
        self._reference = self._serving.predictor.chosen(reference, self._call)
        with self._serving.predictor.pinned(self._reference, DEFAULT_SIGNATURE) as servable:
            self._call.signature, self._call.version = DEFAULT_SIGNATURE, str(servable.version)
            try:
                await self._answer(servable)
            except PenstockError as error:
                return await self._end_with(error)
            except Exception:  # noqa: BLE001 - the outermost frame of a request: it is told its id, the log everything
                _log.exception("request %s failed in an unforeseen way", self._call.request_id)
                return await self._end_with(InternalError("internal error"))
            finally:
                if isinstance(self._call, ObservedCall):
                    self._call.rows = self._answered_rows
            await self._write(b"", more=False)
            return 200

    async def _end_with(self, error: PenstockError) -> int:
        if not self._answered_rows or isinstance(error, Cancelled):
            raise error
        self._refused(self._call, error)
        line = last_line(self._media_type, error, self._call.request_id, self._answered_rows)
        await self._write(line, more=False)
        return status_of(error)

    async def _answer(self, servable: Servable) -> None:
        lines = lines_of(self._media_type)
        async with aclosing(self._outcomes(servable)) as outcomes:
            async for outcome in outcomes:
                if outcome.error and not self._answered_rows:
                    raise outcome.error
                if outcome.prediction:
                    if not all_finite(outcome.prediction.outputs):
                        self._serving.metrics.non_finite_output(self._call.model, self._call.version)
                    if not self._answered_rows:
                        await self._begin()
                    body = lines(outcome.prediction.outputs, not self._answered_rows)
                    self._answered_rows += outcome.rows
                    await self._write(body, more=True)
                if outcome.error:
                    raise outcome.error
        if not self._answered_rows:
            raise InvalidInput("the body has no rows; at least one is expected")

    async def _outcomes(self, servable: Servable) -> AsyncGenerator[Outcome, None]:
        """Of every batch in order, BATCHES_UNDER_WAY at a time; a body that cannot be read on ends them with its
        error.
        """
        features = servable.features(DEFAULT_SIGNATURE)
        under_way: deque[asyncio.Task[Outcome]] = deque()
        batches = self._batches(rows_per_batch(features, self._most))
        fault: PenstockError | None = None
        try:
            while True:
                try:
                    batch = await anext(batches, None)
                except PenstockError as error:
                    batch, fault = None, error
                if batch is None:
                    break
                under_way.append(asyncio.create_task(self._predicted(servable, features, batch)))
                if len(under_way) == BATCHES_UNDER_WAY:
                    yield await under_way.popleft()
            while under_way:
                yield await under_way.popleft()
            if fault:
                raise fault
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _batches(self, size: int) -> AsyncGenerator[Batch, None]:
        """The body's rows, `size` at a time whatever the pieces they came in."""
        start, held, last = 0, list[Record](), False
        while not last:
            message = await self._received()
            if message["type"] == "http.disconnect":
                raise Cancelled("the client went away")
            last = not message.get("more_body", False)
            held.extend(self._reader.feed(message.get("body", b""), last=last))
            while len(held) >= size or (last and held):
                yield Batch(start, held[:size])
                start += len(held[:size])
                del held[:size]

    async def _predicted(self, servable: Servable, features: Sequence[Feature], batch: Batch) -> Outcome:
        try:
            await self._allowed(len(batch.records))
            return Outcome(await self._with_patience(servable, features, batch), len(batch.records))
        except InvalidInput as error:
            good = _row_of(error) - batch.start
            if not 0 < good < len(batch.records):
                return Outcome(None, 0, error)
            before = Batch(batch.start, batch.records[:good])
            return Outcome(await self._with_patience(servable, features, before), good, error)
        except PenstockError as error:
            return Outcome(None, 0, error)

    async def _with_patience(self, servable: Servable, features: Sequence[Feature], batch: Batch) -> Prediction:
        """Waits for room in the queue, where a single request is sent away: nobody sends a million rows twice."""
        deadline = self._serving.clock() + self._timeout_seconds
        decode = functools.partial(self._reader.decode, batch.start, batch.records)
        dear = any(isinstance(feature, ImageFeature) for feature in features)
        request = PredictRequest(self._reference, DEFAULT_SIGNATURE, decode, dear, deadline, lane=self._lane)
        request = request._replace(tenant=self._visitor.name if self._visitor else "", asker=self._call)
        while True:
            try:
                return await self._serving.predictor.predict(request, servable)
            except Overloaded as error:
                await self._wait(error, deadline)

    async def _allowed(self, rows: int) -> None:
        """The same with the caller's own allowance, charged once for rows as they come; its waits are exact."""
        deadline = self._serving.clock() + self._timeout_seconds
        while self._visitor is not None and (refused := self._visitor.refusal(rows)) is not None:
            if self._serving.clock() + refused.retry_after_seconds >= deadline:
                raise refused
            await self._wait(refused, deadline)

    async def _wait(self, refused: RetryLater, deadline: float) -> None:
        """Until it is worth trying again; raises what refused it where the deadline comes first."""
        wait = min(max(refused.retry_after_seconds, 0.01), _LONGEST_WAIT_SECONDS)
        if self._serving.clock() + wait >= deadline:
            raise refused
        await asyncio.sleep(wait)

    async def _begin(self) -> None:
        headers = [
            (b"content-type", self._media_type.encode()),
            (b"x-request-id", self._call.request_id.encode()),
            (b"x-model-version", self._call.version.encode()),
        ]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    async def _write(self, body: bytes, *, more: bool) -> None:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._send({"type": "http.response.body", "body": body, "more_body": more})
        except TimeoutError as error:
            raise Cancelled("the client does not read its answer") from error

    async def _received(self) -> Message:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._receive()
        except TimeoutError as error:
            raise DeadlineExceeded("the rest of the body did not come") from error


def _row_of(error: InvalidInput) -> int:
    """The row that an error names, -1 for none."""
    parts = error.pointer.split("/")
    return int(parts[2]) if len(parts) > 2 and parts[1] == "rows" else -1
