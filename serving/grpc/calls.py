"""The frame around every method: its id, its deadline, what its errors become, and the counting.

A method itself takes a message and a Call and gives a message back, or raises; it never sees gRPC's context.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from grpc import StatusCode, aio

from serving.access.caller import Verb
from serving.access.visitors import Visitor, Visitors
from serving.batching.company import Company
from serving.batching.events import Lane
from serving.catalog import Catalog, CatalogView
from serving.errors import Forbidden, InternalError, PenstockError, QuotaExceeded, Unauthenticated
from serving.grpc.call_head import CallHead, read_head
from serving.grpc.error_status import Metadata, error_message, error_metadata, status_of
from serving.observability.metrics import UNKNOWN, RequestMetrics
from serving.prediction import Prediction
from serving.request_ids import RequestIds

TOGETHER_BYTES = 16
NOT_LET_IN = (Unauthenticated, Forbidden, QuotaExceeded)
Given: TypeAlias = Iterable[tuple[str, str | bytes]]
_CALLING: ContextVar[Visitor] = ContextVar("calling")
"""Who was let in by the metadata. grpc.aio runs each call in a task of its own, from there to its end."""
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Call:
    """One request as it goes along: what is known of it so far, for its trailing metadata and for the metrics."""

    request_id: str
    started_seconds: float
    deadline_seconds: float
    model: str = UNKNOWN
    version: str = ""
    signature: str = ""
    decode_seconds: float | None = None
    encode_seconds: float | None = None
    lane: Lane | None = None
    predictions: list[Prediction] = field(default_factory=list)
    given: Given = ()
    """The caller's metadata."""
    visitor: Visitor | None = None
    """Who calls; None in a gateway that asks nobody."""
    verb: Verb = Verb.PREDICT
    together: bytes | None = None
    """What predictions have in common that one version is to answer, such as those of a stream."""

    def said(self, name: str | None) -> bytes | None:
        """The metadata key `name`; where there is none, what keeps predictions together."""
        if name is not None:
            for key, value in self.given:
                if key == name:
                    return value.encode("latin-1", "replace") if isinstance(value, str) else value
        return self.together

    def answered_by(self, prediction: Prediction, signature: str) -> None:
        self.version = str(prediction.servable.version)
        self.signature = signature
        self.decode_seconds = (self.decode_seconds or 0.0) + prediction.decode_seconds
        self.predictions.append(prediction)

    @property
    def caller(self) -> str:
        return "" if self.visitor is None else self.visitor.name

    @property
    def charge(self) -> Callable[[int], None] | None:
        """Takes rows of the caller's allowance."""
        return None if self.visitor is None else self.visitor.charge

    def seen(self, view: CatalogView) -> CatalogView:
        """The models that lists show to the caller."""
        return view if self.visitor is None else view.of(self.visitor.sees)

    def metadata(self) -> Metadata:
        """The receipt: the id, the version that answered and where the time went, as REST's headers of these names."""
        if not self.predictions:
            return (("x-request-id", self.request_id),)
        receipt = self.predictions[-1].receipt
        timing = (
            f"decode;dur={(self.decode_seconds or 0.0) * 1e3:.3f}, queue;dur={receipt.queue_seconds * 1e3:.3f}, "
            f"backend;dur={receipt.backend_seconds * 1e3:.3f}, encode;dur={(self.encode_seconds or 0.0) * 1e3:.3f}, "
            f'batch;desc="{receipt.batch_rows} rows"'
        )
        if receipt.cache:
            timing += f', cache;desc="{receipt.cache}"'
        return (("x-request-id", self.request_id), ("x-model-version", self.version), ("server-timing", timing))


Method: TypeAlias = Callable[[Any, Call], Awaitable[Any]]
Context: TypeAlias = "aio.ServicerContext[Any, Any]"


@dataclass(frozen=True, slots=True)
class Calls:
    """Runs methods. `timeout_seconds` is the most a call may take, but for the models in `model_timeouts`."""

    catalog: Catalog
    metrics: RequestMetrics
    timeout_seconds: float
    request_ids: RequestIds = field(default_factory=RequestIds)
    clock: Callable[[], float] = time.monotonic
    model_timeouts: Mapping[str, float] = field(default_factory=dict)
    company: Company = field(default_factory=Company)
    """The batcher's: grpc.aio hands over one call at a time."""
    visitors: Visitors | None = None
    """Who may call; None where everybody may."""

    def unary(self, protocol: str, method: Method) -> Callable[[Any, Context], Awaitable[Any]]:
        """`method` as grpc.aio wants it, counted under `protocol`; an empty one is not counted."""

        async def handle(request: Any, context: Context) -> Any:
            self.company.came()
            given = context.invocation_metadata() or ()
            head = read_head(given)
            call = self.begun(head.request_id)
            call.given = given
            try:
                self.limit(call, head, context)
                answer = await method(request, call)
            except asyncio.CancelledError:  # the caller is gone, or its deadline is: gRPC itself has answered
                self.finished(protocol, call, StatusCode.CANCELLED)
                raise
            except Exception as failure:  # noqa: BLE001 - the outermost frame of a request
                error = self.foreseen(failure, call)
            else:
                self.finished(protocol, call, StatusCode.OK)
                context.set_trailing_metadata(call.metadata())
                return answer
            self.refused(protocol, call, error)
            metadata = (*call.metadata()[:1], *error_metadata(error))
            return await context.abort(status_of(error), error_message(error), metadata)  # which raises

        return handle

    def asking(self, method: Method, verb: Verb, uncounted: str = "") -> Method:
        """`method` for callers who may `verb`; `calling` has been asked already; of which model, `named` asks.
        `uncounted` is the protocol of a method whose calls are not counted: those that were not let in are.
        """
        if self.visitors is None:
            return method

        async def let_in(request: Any, call: Call) -> Any:
            call.visitor, call.verb = _CALLING.get(), verb
            try:
                with call.visitor.visit(verb, None):
                    return await method(request, call)
            except NOT_LET_IN as error:
                self.refused(uncounted, call, error)
                raise

        return let_in

    def calling(self, verb: Verb, given: Given | None) -> Visitor | None:
        """Who sends these metadata, for the method that follows, too; None in a gateway that asks nobody. Raises
        NOT_LET_IN.
        """
        if self.visitors is None:
            return None
        visitor = self.visitors.calling(given)
        visitor.check(verb, None)
        _CALLING.set(visitor)
        return visitor

    async def refuse(self, protocol: str, error: PenstockError, context: Context) -> None:
        """Ends a call of which nothing but its metadata was read."""
        call = self.begun(read_head(context.invocation_metadata()).request_id)
        self.refused(protocol, call, error)
        await context.abort(status_of(error), error_message(error), (*call.metadata(), *error_metadata(error)))

    async def opening(self, protocol: str, verb: Verb, context: Context) -> Visitor | None:
        """Who opens a stream, which ends here unless they may `verb`; None in a gateway that asks nobody."""
        try:
            return self.calling(verb, context.invocation_metadata())
        except NOT_LET_IN as error:
            await self.refuse(protocol, error, context)
            raise

    def begun(self, request_id: str | None) -> Call:
        now = self.clock()
        return Call(self.request_ids.of(request_id), now, now + self.timeout_seconds)

    def limit(self, call: Call, head: CallHead, context: Context) -> None:
        """Which model it is about is not known yet; `named` shortens what is left once it is."""
        most = max(self.timeout_seconds, *self.model_timeouts.values()) if self.model_timeouts else self.timeout_seconds
        call.deadline_seconds = call.started_seconds + head.timeout_seconds(context.time_remaining(), most)
        call.lane = head.lane()

    def named(self, call: Call, model: str) -> None:
        """The model a call is about, for its time and for the metrics: a request's text never becomes a label. Raises
        Forbidden where it is none of the caller's.
        """
        if model in self.catalog.view.models:
            call.model = model
        if call.visitor is not None:
            call.visitor.check(call.verb, model)
        if self.model_timeouts:
            most = self.model_timeouts.get(model, self.timeout_seconds)
            call.deadline_seconds = min(call.deadline_seconds, call.started_seconds + most)

    def foreseen(self, failure: Exception, call: Call) -> PenstockError:
        """The error as it may be told: whatever is none of ours becomes InternalError, and the log has everything."""
        if isinstance(failure, PenstockError):
            return failure.with_traceback(None)  # whose frames hold the request, and it them: a cycle of megabytes
        _log.error("request %s failed in an unforeseen way", call.request_id, exc_info=failure)
        return InternalError("internal error")

    def refused(self, protocol: str, call: Call, error: PenstockError) -> None:
        if protocol:
            self.metrics.request_rejected(call.model, type(error).__name__)
        self.finished(protocol, call, status_of(error))

    def finished(self, protocol: str, call: Call, status: StatusCode) -> None:
        if protocol:
            total = self.clock() - call.started_seconds
            series = (call.model, call.version, call.signature, protocol, status.name)
            self.metrics.request_finished(series, total, call.decode_seconds, call.encode_seconds)
