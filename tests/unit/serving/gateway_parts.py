"""A gateway's parts around the in-memory backend, and one ASGI call without a server."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from starlette.types import ASGIApp, Message

from serving.access.visitors import Visitors
from serving.backend_protocol import Arrays, Target
from serving.backends.in_memory import InMemoryBackend, Run, Turn
from serving.batching.admission import QueueLimits
from serving.batching.batcher import Batcher
from serving.batching.policy import BatchingCore
from serving.catalog import Catalog
from serving.contract.tensors import Array, Signature, TensorSpec
from serving.model_settings import ModelSettings
from serving.observability.finished_requests import RequestObservers
from serving.observability.metrics import RequestMetrics
from serving.predict import Predictor
from serving.recorder import Recorder
from serving.rest.natural_body import read_predict_body
from serving.rest.observed_endpoint import endpoint_of
from serving.rest.predict_endpoint import PredictEndpoint, Serving
from serving.rest.request_head import RequestHead
from serving.rest.response import Response, headers_of

SIGNATURE = Signature((TensorSpec("x", "float32", ()),), (TensorSpec("value", "float32", (1,)),))
LIVE = {"doubles": {version: {"serving_default": SIGNATURE} for version in (1, 2)}}
NO_MODELS: Mapping[str, ModelSettings] = MappingProxyType({})
FOREVER = Turn(delay_seconds=3600)
"""A call that ends only by its deadline or by being given up."""
GONE: Message = {"type": "http.disconnect"}


def doubled(_: Target, inputs: Arrays) -> dict[str, Array]:
    return {"value": inputs["x"][:, None] * 2}


@dataclass(frozen=True, slots=True)
class Parts:
    backend: InMemoryBackend
    catalog: Catalog
    metrics: RequestMetrics
    predictor: Predictor
    endpoint: PredictEndpoint
    without_task: bool = False
    """Whether the tests ask the endpoint as a server does that makes no task for a request."""

    def counted(self, name: str) -> list[dict[str, str]]:
        """The labels of a counter's samples that are not zero."""
        samples = [sample for metric in self.metrics.collect() for sample in metric.samples]
        return [dict(sample.labels) for sample in samples if sample.name == name and sample.value]


async def started_parts(
    models: Path,
    *,
    run: Run = doubled,
    turns: Iterable[Turn] = (),
    max_queue_rows: int = 8,
    max_body_bytes: int = 1000,
    observers: RequestObservers | None = None,
    batcher: Callable[..., Batcher] = Batcher,
    recorder: Recorder | None = None,
    settings: Mapping[str, ModelSettings] = NO_MODELS,
    visitors: Visitors | None = None,
) -> Parts:
    """Versions 1 and 2 of `doubles`, live for the backend; the catalog takes those it finds in the directory."""
    backend = InMemoryBackend(LIVE, run, iter(turns))
    metrics, catalog = RequestMetrics(), Catalog(models, backend, 1.0, settings)
    core = BatchingCore(max_batch_rows=4, slots=1, limits=QueueLimits(max_queue_rows, 1000))
    predictor = Predictor(catalog, backend, batcher(backend, core, metrics), recorder=recorder)
    await backend.start(catalog.renew)
    serving = Serving(predictor, metrics, max_body_bytes, 5.0, observers=observers, visitors=visitors)
    endpoint = endpoint_of(serving, read_predict_body)
    return Parts(backend, catalog, metrics, predictor, endpoint)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def ask(
    app: ASGIApp, path: str = "", *, body: object = b"", method: str = "POST", then: Message | None = None, **given: Any
) -> Answer | None:
    """One request; None when nothing was answered.

    `body` is sent as it is when bytes, else as JSON; `then` is what the client does after it, nothing being the
    default. Other keywords: `path_params` for a bare endpoint, `headers`.
    """
    sent: list[Message] = []
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    coming = [message for message in ({"type": "http.request", "body": content}, then) if message]

    async def receive() -> Message:
        return coming.pop(0) if coming else await asyncio.get_running_loop().create_future()

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(name.encode(), value.encode()) for name, value in given.get("headers", {}).items()]
    scope = {"type": "http", "method": method, "path": path, "headers": headers, "query_string": b""}
    await app({**scope, "path_params": given.get("path_params", {}), "state": {}, "root_path": ""}, receive, send)
    if not sent:
        return None
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], answered, b"".join(message.get("body", b"") for message in sent[1:]))


async def ask_without_task(
    endpoint: PredictEndpoint, *, body: object = b"", then: Message | None = None, **given: Any
) -> Answer | None:
    """`ask` through `begin`; where the endpoint wants a task after all, it gets one."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = [(name.encode(), value.encode()) for name, value in given.get("headers", {}).items()]
    told: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    def answer(response: Response, request_id: str) -> None:
        sent = {name.decode(): value.decode() for name, value in headers_of(response, request_id)}
        told.set_result(Answer(response.status, {**sent, "content-length": str(len(response.body))}, response.body))

    begin = endpoint.prepare(RequestHead(dict(headers)), given.get("path_params", {}))
    cancel = begin and begin(content, answer)
    if cancel is None:
        assert not told.done()
        return await ask(endpoint, body=body, then=then, **given)
    if then is not None:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        cancel()
        assert not told.done()
        return None
    found = await told
    cancel()  # as when the connection ends later: nothing more comes of it
    return found


def answered(answer: Answer | None) -> Answer:
    assert answer is not None
    return answer
