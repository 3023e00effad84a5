"""Where the parts are put together, and nowhere else: settings in, a FastAPI application out."""

import asyncio
import functools
import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request
from fastapi import Response as HttpResponse
from fastapi_offline import FastAPIOffline
from prometheus_client import CollectorRegistry, PlatformCollector
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Scope

from serving.access.visitors import Visitors
from serving.answering.layers import AnswerLayers
from serving.backend_protocol import Backend
from serving.backends.from_settings import make_backend
from serving.batching.admission import QueueLimits
from serving.batching.policy import BatchingCore
from serving.callers import Followed, credentials_of
from serving.catalog import Catalog, ModelReference
from serving.connections.grpc_door import door_of
from serving.gateway import Gateway
from serving.grpc.inference_calls import InferenceCalls
from serving.grpc.inference_service import InferenceService
from serving.grpc.model_service import ModelService
from serving.grpc.observed_calls import calls_of
from serving.grpc.prediction_service import PredictionService
from serving.grpc.server import GrpcServer
from serving.model_server.control_socket import ControlSocket
from serving.observability.departed import ShownFigures
from serving.observability.families import summed
from serving.observability.ledger import Ledger
from serving.observability.metrics import Gauges, RequestMetrics
from serving.observability.request_trace import outgoing_metadata
from serving.observability.worker_figures import WorkerFigures
from serving.observers import Observers, observers_of
from serving.predict import Predictor
from serving.preprocessing.allowance import ImageLimits
from serving.readiness import missing_models
from serving.request_ids import RequestIds
from serving.rest.console_figures import ConsoleFacts, console_figures
from serving.rest.console_routes import console_router, reports_of
from serving.rest.cross_origin import CrossOrigin, Origins
from serving.rest.error_responses import error_body
from serving.rest.guard import Guard, seen_by
from serving.rest.health_routes import health_router
from serving.rest.hot_routes import HotFirst
from serving.rest.nowhere import Nowhere
from serving.rest.oip_routes import infer_routes, oip_router, statistics
from serving.rest.openapi import described
from serving.rest.predict_endpoint import Serving
from serving.rest.request_head import RequestHead
from serving.rest.tfserving_routes import example_routes, model_router, predict_routes
from serving.settings import Settings
from serving.traffic.candidates import CandidateKeeper
from serving.traffic.junction import junction_of
from serving.traffic.report import traffic_of
from serving.traffic.standing import Arrivals
from serving.traffic.watcher import CanaryWatcher

START_SLOTS = 2
"""Where the search for the best number of batches in flight starts: one computes while the next is put together.
Several workers share them out, one at least.
"""
STREAM_ROWS = 256
"""Rows that a stream puts into one batch: past that, decoding them would hold up everybody else."""


@dataclass(frozen=True, slots=True)
class _Beside:
    """What a gateway has beside its backend and its counting."""

    control: socket.socket | None
    observers: Observers
    visitors: Visitors | None
    credentials: Sequence[Followed]


def create_app(
    settings: Settings,
    *,
    backend: Backend | None = None,
    clock: Callable[[], float] = time.monotonic,
    ledger: Ledger | None = None,
    control: socket.socket | None = None,
) -> FastAPI:
    """The gateway as an ASGI application; loads models from its lifespan on. `app.state.front` is the same application
    with a shorter way to predictions. `ledger` is where a worker counts; one of several leaves it to its caller to open
    the gRPC port. `control` is bound where `penstock record` comes in. Raises BackendUnavailable.
    """
    observers = observers_of(settings, process_name(ledger))
    backend = backend or make_backend(settings, outgoing_metadata if observers.tracing else None)
    credentials = credentials_of(settings)
    visitors = Visitors(credentials, share=1 / settings.workers) if credentials else None
    beside = _Beside(control, observers, visitors, credentials)
    gateway = _gateway(settings, backend, clock, RequestMetrics(ledger), beside)
    app = FastAPIOffline(
        title="Penstock", description="Online predictions of Keras models.", lifespan=lambda _: gateway.running()
    )
    app.state.gateway = gateway
    request_ids = RequestIds()
    serving = _serving(settings, gateway, clock, request_ids, visitors)
    stream_rows = max(1, min(STREAM_ROWS, settings.max_queue_rows // 8))  # streams leave most of the queue to others
    hot = [*predict_routes(serving, stream_rows), *infer_routes(serving), *example_routes(serving)]
    app.router.routes[:0] = hot
    app.include_router(health_router(gateway.catalog, settings.required_models, _registry(gateway)))
    app.include_router(model_router(gateway.catalog, request_ids))
    app.include_router(
        oip_router(
            gateway.catalog,
            request_ids,
            functools.partial(gateway.missing, settings.required_models),
            functools.partial(_statistics, gateway),
            max_batch_rows=settings.max_batch_rows,
        )
    )
    app.include_router(console_router(functools.partial(_console_figures, gateway, settings), settings.models))
    app.add_exception_handler(HTTPException, functools.partial(_http_error, request_ids))
    plain = app.openapi
    app.openapi = lambda: described(plain(), gateway.catalog.view)  # type: ignore[method-assign]  # FastAPI's documented way
    if visitors is not None:
        _guard(app, visitors, plain, request_ids, open_metrics=settings.open_metrics)
    front = HotFirst(hot, app if visitors else Nowhere(app, lambda: app.router.routes, request_ids))
    origins = settings.cors_origins
    app.state.front = CrossOrigin(front, Origins(origins), request_ids) if origins else front
    return app


def _guard(
    app: FastAPI,
    visitors: Visitors,
    plain: Callable[[], dict[str, Any]],
    request_ids: RequestIds,
    *,
    open_metrics: bool,
) -> None:
    """Everything but predictions, which ask for themselves; `plain` is what FastAPI says of its routes."""
    gateway: Gateway = app.state.gateway
    app.router.routes.insert(0, Route("/openapi.json", functools.partial(_openapi, gateway, plain)))
    guarded = (lambda: app.router.routes, visitors, gateway.metrics, gateway.catalog)
    app.add_middleware(Guard, *guarded, request_ids=request_ids, open_metrics=open_metrics)


def _serving(
    settings: Settings,
    gateway: Gateway,
    clock: Callable[[], float],
    request_ids: RequestIds,
    visitors: Visitors | None,
) -> Serving:
    return Serving(
        gateway.predictor,
        gateway.metrics,
        settings.max_body_bytes,
        settings.request_timeout_seconds,
        clock,
        request_ids,
        model_timeouts=settings.model_timeouts,
        observers=gateway.observers.requests,
        visitors=visitors,
    )


def _gateway(
    settings: Settings,
    backend: Backend,
    clock: Callable[[], float],
    metrics: RequestMetrics,
    beside: _Beside,
) -> Gateway:
    observers = beside.observers
    core = BatchingCore(
        max_batch_rows=settings.max_batch_rows,
        slots=min(-(-START_SLOTS // settings.workers), most_slots(settings)),
        most_slots=most_slots(settings),
        limits=QueueLimits(settings.max_queue_rows, settings.max_queue_bytes),
    )
    elsewhere = settings.backend == "tfserving"
    catalog = Catalog(settings.models, backend, settings.poll_seconds, settings.model, folders_elsewhere=elsewhere)
    batcher = observers.batcher(backend, core, metrics, clock)
    layers = AnswerLayers(batcher, settings.model, clock, settings.max_queue_bytes)
    junction = junction_of(batcher, backend, layers, metrics.ledger, clock)
    images = ImageLimits(settings.max_request_pixels, settings.max_queue_bytes)
    predictor = Predictor(
        catalog, backend, batcher, clock, layers, junction, recorder=observers.recorder, images=images
    )
    grpc = _grpc_server(settings, predictor, metrics, observers, beside.visitors)
    watcher = CanaryWatcher(settings.models, catalog, junction.spreads, metrics.ledger)
    orders = ControlSocket(beside.control, predictor.tap, lambda: catalog.view) if beside.control else None
    candidates = CandidateKeeper(settings.models, catalog)
    parts = (backend, batcher, catalog, metrics, predictor, layers, grpc, watcher, candidates, observers)
    return Gateway(*parts, settings.workers, settings.model, Arrivals(metrics), orders, beside.credentials)


def process_name(ledger: Ledger | None) -> str:
    """What the log calls this process; empty where it is the only one."""
    return "" if ledger is None else f"worker {ledger.board.number}"


def most_slots(settings: Settings) -> int:
    """Batches in flight at most. Where the model runs in this process, two on one core would only make each other late,
    and what the batcher has learned of either wrong; elsewhere it has cores of its own.
    """
    most = settings.max_in_flight_batches
    return most if settings.backend == "tfserving" else min(most, usable_cores())


def usable_cores() -> int:
    """Those this process may run on."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux's
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _grpc_server(
    settings: Settings,
    predictor: Predictor,
    metrics: RequestMetrics,
    observers: Observers,
    visitors: Visitors | None,
) -> GrpcServer:
    catalog = predictor.catalog
    calls = calls_of(
        catalog,
        metrics,
        settings.request_timeout_seconds,
        model_timeouts=settings.model_timeouts,
        company=predictor.batcher.company,
        observers=observers.requests,
        visitors=visitors,
    )

    def ready() -> bool:
        return not missing_models(catalog.been_live, settings.required_models)

    services = [
        PredictionService(predictor, calls, settings.grpc_max_request_bytes, settings.grpc_tensor_content).service(),
        ModelService(catalog, calls).service(),
        InferenceService(catalog, InferenceCalls(predictor, calls), ready, settings.max_batch_rows, metrics).service(),
    ]
    return GrpcServer(services, calls, door_of(settings), ready)


def _registry(gateway: Gateway) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Gauges(gateway.gauges))  # first: it brings the others up to this moment
    registry.register(ShownFigures(gateway.metrics.ledger, gateway.catalog.versions))
    registry.register(WorkerFigures(gateway.metrics.ledger))
    PlatformCollector(registry=registry)
    return registry


def _statistics(gateway: Gateway, reference: ModelReference) -> Any:
    """Of a model: what was counted and learned, how its requests are spread, and how far they are from training."""
    counted = statistics(gateway.catalog.view, gateway.metrics, gateway.explained(), reference)
    traffic = traffic_of(gateway.watcher, reference.model)
    return {**counted, "traffic": traffic, "drift": gateway.drift(reference.model)}


async def _openapi(gateway: Gateway, plain: Callable[[], dict[str, Any]], request: Request) -> HttpResponse:
    """The API's description with examples of the models that the caller may see."""
    return JSONResponse(described(plain(), seen_by(request.scope, gateway.catalog.view)))


async def _console_figures(gateway: Gateway, settings: Settings, scope: Scope) -> Any:
    view = seen_by(scope, gateway.catalog.view)
    reports = await asyncio.to_thread(reports_of, settings.models, view)
    gateway.bring_up_to_date()
    ledger = gateway.metrics.ledger
    moments = [row.moment for row in ledger.board.live().values()]
    sums = summed(ledger.read())
    return console_figures(
        ConsoleFacts(view, gateway.backend.name, sums, moments, time.monotonic(), version("penstock"), reports)
    )


async def _http_error(request_ids: RequestIds, request: Request, error: Exception) -> HttpResponse:
    """What routing itself refuses (no such path, wrong method), in the shape of every other error."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = str(error.detail) if isinstance(error, HTTPException) else "internal error"
    request_id = request_ids.of(RequestHead(dict(request.scope["headers"])).given_id)
    headers = {**(dict(error.headers or {}) if isinstance(error, HTTPException) else {}), "x-request-id": request_id}
    return HttpResponse(error_body(detail, "HttpError", request_id), status, headers, "application/json")
