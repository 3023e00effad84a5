"""TensorFlow Serving's REST: predict, status, metadata, and a list of models that it lacks.

Answers are shaped as TensorFlow Serving shapes them; what is ours stands beside, under names it does not use.
"""

import functools
from typing import Any

import orjson
import simdjson
from fastapi import APIRouter, Request
from fastapi import Response as HttpResponse
from starlette.routing import Route

from serving.backend_protocol import VersionState, VersionStatus
from serving.catalog import Catalog, ModelReference
from serving.errors import PenstockError
from serving.metadata_document import metadata_document
from serving.request_ids import RequestIds
from serving.rest.error_responses import error_response
from serving.rest.examples import read_classify, read_regress
from serving.rest.guard import seen_by
from serving.rest.natural_body import read_predict_body
from serving.rest.observed_endpoint import endpoint_of
from serving.rest.predict_endpoint import Serving
from serving.rest.request_head import RequestHead, reference_of
from serving.rest.rows_endpoint import RowsEndpoint

PREFIXES = ("/v1/models/{model}", "/v1/models/{model}/versions/{version}", "/v1/models/{model}/labels/{label}")

REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    for status, text in ((404, "No such model, version or label."), (503, "It is not live."))
}


def predict_routes(serving: Serving, max_stream_rows: int) -> list[Route]:
    """`max_stream_rows` is the most that a batch of a stream has.

    For every method: otherwise GET would fall through to the status of a model named `digits:predict`.
    """
    read = functools.partial(read_predict_body, parser=simdjson.Parser())
    endpoint = RowsEndpoint(endpoint_of(serving, read), max_stream_rows)
    return [Route(f"{prefix}:predict", endpoint) for prefix in PREFIXES]


def example_routes(serving: Serving) -> list[Route]:
    """`:classify` and `:regress`."""
    endpoints = {
        "classify": endpoint_of(serving, read_classify),
        "regress": endpoint_of(serving, read_regress),
    }
    return [Route(f"{prefix}:{verb}", endpoint) for verb, endpoint in endpoints.items() for prefix in PREFIXES]


def model_router(catalog: Catalog, request_ids: RequestIds) -> APIRouter:
    router = APIRouter(tags=["models"])

    def answer(request: Request, make: Any) -> HttpResponse:
        head = RequestHead(dict(request.scope["headers"]))
        request_id = request_ids.of(head.given_id)
        try:
            status, body, headers = 200, orjson.dumps(make(reference_of(request.path_params))), {}
        except PenstockError as error:
            refused = error_response(error, request_id)
            status, body = refused.status, refused.body
            headers = {name.decode(): value.decode() for name, value in refused.headers}
        return HttpResponse(body, status, {**headers, "x-request-id": request_id}, "application/json")

    @router.get("/v1/models", summary="The models served here and their live versions")
    async def models(request: Request) -> dict[str, Any]:
        return {
            "models": [
                {
                    "name": name,
                    "versions": [str(version) for version in entry.servables],
                    "labels": dict(entry.labels),
                    "moving": dict(entry.moving()),
                }
                for name, entry in seen_by(request.scope, catalog.view).models.items()
            ]
        }

    for prefix in PREFIXES:
        described = {"parameters": path_parameters(prefix)}
        summary = "a model" if prefix == PREFIXES[0] else f"one {prefix.rsplit('/', 2)[1].rstrip('s')} of a model"

        @router.get(
            f"{prefix}/metadata",
            summary=f"Signatures and public manifest of {summary}",
            openapi_extra=described,
            responses=REFUSALS,
        )
        async def metadata(request: Request) -> HttpResponse:
            return answer(request, lambda reference: metadata_document(catalog.view.resolve(reference)))

        @router.get(prefix, summary=f"State of {summary}", openapi_extra=described, responses=REFUSALS)
        async def status(request: Request) -> HttpResponse:
            return answer(request, lambda reference: status_document(catalog, reference))

    return router


def path_parameters(prefix: str) -> list[dict[str, Any]]:
    """The OpenAPI parameters of a path such as `/v1/models/{model}/labels/{label}`."""
    names = [part[1:-1] for part in prefix.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def status_document(catalog: Catalog, reference: ModelReference) -> dict[str, Any]:
    """TensorFlow Serving's `model_version_status`, newest first. Raises UnknownModel, UnknownVersion."""
    statuses = catalog.view.entry(reference.model).statuses
    if reference.version is not None or reference.label is not None:
        version = catalog.view.version_named(reference)
        statuses = {number: found for number, found in statuses.items() if number == version}
    return {"model_version_status": [_version_status(*item) for item in sorted(statuses.items(), reverse=True)]}


def _version_status(version: int, status: VersionStatus) -> dict[str, Any]:
    return {
        "version": str(version),
        "state": str(VersionState(status.state)),
        "status": {"error_code": "INTERNAL" if status.error else "OK", "error_message": status.error},
    }
