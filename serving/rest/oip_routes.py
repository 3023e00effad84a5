"""The Open Inference Protocol v2 over REST: health, metadata, the index, and the routes of `infer`."""

from collections.abc import Callable, Mapping
from importlib.metadata import version as installed_version
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi import Response as HttpResponse
from starlette.routing import Route

from serving.backend_protocol import VersionState
from serving.batching.explanation import BatcherFacts
from serving.catalog import Catalog, CatalogView, ModelReference, Servable
from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.contract.open_inference import DATATYPES
from serving.contract.tensors import TensorSpec
from serving.errors import PenstockError
from serving.observability.metrics import RequestMetrics
from serving.request_ids import RequestIds
from serving.rest.error_responses import error_response
from serving.rest.guard import seen_by
from serving.rest.observed_endpoint import endpoint_of
from serving.rest.oip_body import read_infer
from serving.rest.oip_statistics import batching_statistics, model_statistics
from serving.rest.predict_endpoint import Serving
from serving.rest.request_head import RequestHead, reference_of
from serving.rest.tfserving_routes import REFUSALS, path_parameters

OIP_PREFIXES = ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")
PLATFORM = "tensorflow_savedmodel"
EXTENSIONS = ("binary_tensor_data", "model_configuration", "model_repository(index)", "statistics")


def oip_reference(parameters: Mapping[str, str]) -> ModelReference:
    """The model a path names; a version that is not a number is a label."""
    version = parameters.get("version", "")
    if version and not version.isdecimal():
        return ModelReference(parameters["model"], label=version)
    return reference_of(parameters)


def infer_routes(serving: Serving) -> list[Route]:
    endpoint = endpoint_of(serving, read_infer, "rest_v2", oip_reference)
    return [Route(f"{prefix}/infer", endpoint) for prefix in OIP_PREFIXES]


def oip_router(
    catalog: Catalog,
    request_ids: RequestIds,
    missing: Callable[[], str],
    statistics: Callable[[ModelReference], Any],
    *,
    max_batch_rows: int,
) -> APIRouter:
    """`missing` says why the gateway is not ready, empty when it is; `statistics` is what was counted of a model."""
    router = APIRouter(tags=["open inference protocol"])

    def answer(request: Request, make: Callable[[ModelReference], tuple[int, Any]]) -> HttpResponse:
        request_id = request_ids.of(RequestHead(dict(request.scope["headers"])).given_id)
        headers: dict[str, str] = {}
        try:
            status, document = make(oip_reference(request.path_params))
            body = orjson.dumps(document)
        except PenstockError as error:
            refused = error_response(error, request_id)
            status, body = refused.status, refused.body
            headers = {name.decode(): value.decode() for name, value in refused.headers}
        return HttpResponse(body, status, {**headers, "x-request-id": request_id}, "application/json")

    _server_routes(router, catalog, missing)
    for prefix in OIP_PREFIXES:
        of = "a model" if prefix == OIP_PREFIXES[0] else "one version or label of a model"
        described = {"parameters": path_parameters(prefix)}

        @router.get(f"{prefix}/ready", summary=f"Whether {of} is ready", openapi_extra=described, responses=REFUSALS)
        async def ready(request: Request) -> HttpResponse:
            return answer(request, lambda reference: model_ready(catalog.view, reference))

        @router.get(f"{prefix}/stats", summary=f"What was counted of {of}", openapi_extra=described, responses=REFUSALS)
        async def stats(request: Request) -> HttpResponse:
            return answer(request, lambda reference: (200, statistics(reference)))

        @router.get(f"{prefix}/config", summary=f"Triton's configuration of {of}", openapi_extra=described,
                    responses=REFUSALS)  # fmt: skip
        async def config(request: Request) -> HttpResponse:
            return answer(request, lambda reference: (200, model_config(catalog.view, reference, max_batch_rows)))

        @router.get(prefix, summary=f"Inputs and outputs of {of}", openapi_extra=described, responses=REFUSALS)
        async def metadata(request: Request) -> HttpResponse:
            return answer(request, lambda reference: (200, model_metadata(catalog.view, reference)))

    return router


def _server_routes(router: APIRouter, catalog: Catalog, missing: Callable[[], str]) -> None:
    @router.get("/v2", summary="The server and its extensions")
    async def server() -> dict[str, Any]:
        return {"name": "penstock", "version": installed_version("penstock"), "extensions": EXTENSIONS}

    @router.get("/v2/health/live", summary="The process is alive")
    async def live() -> dict[str, bool]:
        return {"live": True}

    @router.get("/v2/health/ready", summary="Requests can be sent here", responses={503: {"description": "Not yet."}})
    async def ready() -> HttpResponse:
        reason = missing()
        body = {"ready": False, "error": reason} if reason else {"ready": True}
        return HttpResponse(orjson.dumps(body), 503 if reason else 200, media_type="application/json")

    @router.get("/v2/models", summary="The models served here")
    async def models(request: Request) -> dict[str, Any]:
        return {"models": [{"name": name} for name in seen_by(request.scope, catalog.view).models]}

    @router.post("/v2/repository/index", summary="Every version and its state")
    async def index(request: Request) -> list[dict[str, str]]:
        return repository_index(seen_by(request.scope, catalog.view))


def model_ready(view: CatalogView, reference: ModelReference) -> tuple[int, Any]:
    """200 when the version answers. Raises UnknownModel, UnknownVersion, and ModelNotReady where it does not."""
    servable = view.resolve(reference)
    return 200, {"name": servable.model, "version": str(servable.version), "ready": True}


def model_metadata(view: CatalogView, reference: ModelReference) -> dict[str, Any]:
    """Raises UnknownModel, UnknownVersion, ModelNotReady."""
    servable = view.resolve(reference)
    return {
        "name": servable.model,
        "versions": [str(number) for number in view.entry(servable.model).servables],
        "platform": PLATFORM,
        "inputs": _tensors(servable, "inputs"),
        "outputs": _tensors(servable, "outputs"),
    }


def model_config(view: CatalogView, reference: ModelReference, max_batch_rows: int) -> dict[str, Any]:
    """Triton's ModelConfig as far as it says something here. Raises UnknownModel, UnknownVersion, ModelNotReady."""
    servable = view.resolve(reference)
    return {
        "name": servable.model,
        "platform": PLATFORM,
        "backend": "tensorflow",
        "max_batch_size": min(max_batch_rows, servable.settings.max_batch_rows or max_batch_rows),
        "input": _configured(servable, "inputs"),
        "output": _configured(servable, "outputs"),
    }


def statistics(
    view: CatalogView, metrics: RequestMetrics, batching: BatcherFacts, reference: ModelReference
) -> dict[str, Any]:
    """Of the version named, or of all that are live. Raises UnknownModel, UnknownVersion."""
    named = reference.version is not None or reference.label is not None
    version = view.version_named(reference) if named else None
    versions = view.entry(reference.model).servables if version is None else (version,)
    found = model_statistics(metrics.collect(), reference.model, versions)
    return {**found, "batching": batching_statistics(batching, reference.model, versions)}


def repository_index(view: CatalogView) -> list[dict[str, str]]:
    """Triton's index: READY is what answers."""
    return [
        {
            "name": name,
            "version": str(number),
            "state": "READY" if number in entry.servables else _STATES[status.state],
            "reason": status.error,
        }
        for name, entry in view.models.items()
        for number, status in sorted(entry.statuses.items())
    ]


_STATES = {
    VersionState.START: "LOADING",
    VersionState.LOADING: "LOADING",
    VersionState.AVAILABLE: "UNAVAILABLE",  # loaded, and its manifest cannot be read
    VersionState.UNLOADING: "UNLOADING",
    VersionState.END: "UNAVAILABLE",
}


def _tensors(servable: Servable, side: str) -> list[dict[str, Any]]:
    signature = servable.signatures.get(DEFAULT_SIGNATURE)
    specs: tuple[TensorSpec, ...] = getattr(signature, side, ())
    return [
        {
            "name": spec.name,
            "datatype": DATATYPES[spec.dtype],
            "shape": [-1, *(-1 if size is None else size for size in spec.row_shape)],
        }
        for spec in specs
    ]


def _configured(servable: Servable, side: str) -> list[dict[str, Any]]:
    """Without the dimension of rows, which `max_batch_size` stands for; Triton's word for BYTES is TYPE_STRING."""
    return [
        {
            "name": tensor["name"],
            "data_type": "TYPE_STRING" if tensor["datatype"] == "BYTES" else f"TYPE_{tensor['datatype']}",
            "dims": tensor["shape"][1:],
        }
        for tensor in _tensors(servable, side)
    ]
