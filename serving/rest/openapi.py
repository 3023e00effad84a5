"""The OpenAPI description of what FastAPI does not see: the plain ASGI routes.

Pure: adds to the document that FastAPI made.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from serving.batching.lane_names import LANES
from serving.catalog import CatalogView
from serving.rest.oip_routes import OIP_PREFIXES
from serving.rest.openapi_examples import Examples, answer_examples, model_examples, request_examples
from serving.rest.openapi_schemas import SCHEMAS
from serving.rest.tfserving_routes import PREFIXES, path_parameters

TAGS = ("predict", "open inference protocol", "models", "health")
"""The order of the page."""

_ANSWER_HEADERS = ("X-Model-Version", "X-Request-Id", "Server-Timing")
_STATUSES = {
    "400": "The input is not right; `field` says where.",
    "404": "No such model, version or label.",
    "413": "The body or the number of rows is over the limit.",
    "415": "A Content-Type that is not read here.",
    "500": "The model failed on this input.",
    "503": "Overloaded or not ready; try again after Retry-After seconds.",
    "504": "The deadline passed (X-Request-Timeout-Ms).",
}
_HEADERS = [
    {"name": "X-Request-Id", "in": "header", "schema": {"type": "string"}},
    {"name": "X-Request-Timeout-Ms", "in": "header", "schema": {"type": "number", "exclusiveMinimum": 0}},
    {"name": "X-Priority", "in": "header", "schema": {"type": "string", "enum": [*LANES]}},
]
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_TEXT = {"schema": {"type": "string"}}
_NATURAL = {
    **dict.fromkeys(("image/png", "image/jpeg", "image/webp", "application/x-npy"), _BINARY),
    **dict.fromkeys(("text/plain", "application/x-ndjson", "text/csv"), _TEXT),
    "multipart/form-data": {
        "schema": {"type": "object", "description": "A part a feature; parts of one name are rows."}
    },
}

_ANSWERS = (
    ("/v1/models", "ModelsAnswer"),
    *((prefix, "StatusAnswer") for prefix in PREFIXES),
    *((f"{prefix}/metadata", "MetadataAnswer") for prefix in PREFIXES),
)
"""What FastAPI's routes answer in their own words."""


@dataclass(frozen=True, slots=True)
class Verb:
    """One way of asking: what goes in and comes out by schema names, and the other media types it reads."""

    summary: str
    request: str
    answer: str
    more_requests: Mapping[str, Any] = field(default_factory=dict)
    more_answers: Mapping[str, Any] = field(default_factory=dict)


VERBS = MappingProxyType(
    {
        "predict": Verb(
            "Predict rows",
            "PredictRequest",
            "PredictAnswer",
            _NATURAL,
            {"application/x-npy": _BINARY, "application/x-ndjson": _TEXT, "text/csv": _TEXT},
        ),
        "classify": Verb("Classify examples", "ExamplesRequest", "ClassifyAnswer"),
        "regress": Verb("Regress examples", "ExamplesRequest", "RegressAnswer"),
    }
)
INFER = Verb(
    "Infer tensors",
    "InferRequest",
    "InferAnswer",
    {"application/octet-stream": _BINARY},
    {"application/octet-stream": _BINARY},
)


def described(document: dict[str, Any], view: CatalogView) -> dict[str, Any]:
    """A document like FastAPI's `document`, with every plain ASGI route, the schemas they name, and examples of the
    models in `view`.
    """
    document = copy.deepcopy(document)
    document["tags"] = [{"name": name} for name in TAGS]
    document.setdefault("components", {}).setdefault("schemas", {}).update(SCHEMAS)
    for path, operation in _operations(view):
        document["paths"][path] = {"post": operation}
    for path, schema in _ANSWERS:
        document["paths"][path]["get"]["responses"]["200"]["content"] = _json(schema)
    if models := model_examples(view):
        for operations in document["paths"].values():
            for operation in operations.values():
                operation["parameters"] = [_with_models(given, models) for given in operation.get("parameters", ())]
    return document


def _with_models(parameter: dict[str, Any], models: dict[str, Any]) -> dict[str, Any]:
    return {**parameter, "examples": models} if parameter["name"] == "model" else parameter


def _operations(view: CatalogView) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, verb in VERBS.items():
        asked, answered = request_examples(view, name), answer_examples(view, name)
        for prefix in PREFIXES:
            yield f"{prefix}:{name}", _operation(prefix, name, verb, asked, answered)
    asked, answered = request_examples(view, "infer"), answer_examples(view, "infer")
    for prefix in OIP_PREFIXES:
        operation = _operation(prefix, "infer", INFER, asked, answered)
        yield f"{prefix}/infer", {**operation, "tags": ["open inference protocol"]}


def _operation(prefix: str, name: str, verb: Verb, asked: Examples, answered: Examples) -> dict[str, Any]:
    path = path_parameters(prefix)
    named = [parameter["name"] for parameter in path[1:]]
    return {
        "tags": ["predict"],
        "summary": f"{verb.summary} with one {named[0]} of the model" if named else verb.summary,
        "operationId": name + "".join(part.capitalize() for part in named),
        "parameters": [*path, *_HEADERS],
        "requestBody": {"required": True, "content": {**_json(verb.request, asked), **verb.more_requests}},
        "responses": {
            "200": {
                "description": "The predictions.",
                "headers": {header: {"schema": {"type": "string"}} for header in _ANSWER_HEADERS},
                "content": {**_json(verb.answer, answered), **verb.more_answers},
            },
            **{status: {"description": text, "content": _json("Error")} for status, text in _STATUSES.items()},
        },
    }


def _json(schema: str, examples: Examples | None = None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    return {"application/json": {**content, "examples": examples} if examples else content}
