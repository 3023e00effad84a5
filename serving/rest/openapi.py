"""The OpenAPI description of what FastAPI does not see: the plain ASGI routes.

Pure: adds to the document that FastAPI made.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from serving.rest.oip_routes import OIP_PREFIXES
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


@dataclass(frozen=True, slots=True)
class Verb:
    """One way of asking: what goes in and comes out by schema names, and the other media types it reads."""

    summary: str
    request: str
    answer: str
    more_requests: Mapping[str, Any] = field(default_factory=dict)


VERBS = MappingProxyType(
    {
        "predict": Verb(
            "Predict rows",
            "PredictRequest",
            "PredictAnswer",
            _NATURAL,
        ),
        "classify": Verb("Classify examples", "ExamplesRequest", "ClassifyAnswer"),
        "regress": Verb("Regress examples", "ExamplesRequest", "RegressAnswer"),
    }
)
INFER = Verb(
    "Infer tensors",
    "InferRequest",
    "InferAnswer",
    {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
)


def with_predict_routes(document: dict[str, Any]) -> dict[str, Any]:
    """The document with every plain ASGI route and the schemas they name."""
    document["tags"] = [{"name": name} for name in TAGS]
    document.setdefault("components", {}).setdefault("schemas", {}).update(SCHEMAS)
    for path, operation in _operations():
        document["paths"][path] = {"post": operation}
    return document


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, verb in VERBS.items():
        for prefix in PREFIXES:
            yield f"{prefix}:{name}", _operation(prefix, name, verb)
    for prefix in OIP_PREFIXES:
        yield f"{prefix}/infer", {**_operation(prefix, "infer", INFER), "tags": ["open inference protocol"]}


def _operation(prefix: str, name: str, verb: Verb) -> dict[str, Any]:
    path = path_parameters(prefix)
    named = [parameter["name"] for parameter in path[1:]]
    return {
        "tags": ["predict"],
        "summary": f"{verb.summary} with one {named[0]} of the model" if named else verb.summary,
        "operationId": name + "".join(part.capitalize() for part in named),
        "parameters": [*path, *_HEADERS],
        "requestBody": {"required": True, "content": {**_json(verb.request), **verb.more_requests}},
        "responses": {
            "200": {
                "description": "The predictions.",
                "headers": {header: {"schema": {"type": "string"}} for header in _ANSWER_HEADERS},
                "content": _json(verb.answer),
            },
            **{status: {"description": text, "content": _json("Error")} for status, text in _STATUSES.items()},
        },
    }


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
