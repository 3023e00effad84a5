"""The OpenAPI description of what FastAPI does not see: the predict routes, which are plain ASGI.

Pure: adds to the document that FastAPI made.
"""

from typing import Any

from serving.rest.tfserving_routes import PREFIXES, path_parameters

_ERROR = {
    "type": "object",
    "required": ["error", "code", "request_id"],
    "properties": {
        "error": {"type": "string", "description": "What came, what was expected and what to do."},
        "code": {"type": "string", "description": "The error's name, such as WrongShape."},
        "field": {
            "type": "string",
            "description": "JSON pointer (RFC 6901) to the place in the body.",
        },
        "request_id": {"type": "string"},
    },
}
_REQUEST = {
    "type": "object",
    "required": ["instances"],
    "additionalProperties": False,
    "properties": {
        "signature_name": {"type": "string", "default": "serving_default"},
        "instances": {
            "type": "array",
            "minItems": 1,
            "description": "One element a row: a bare value for a model of one feature, else an object of features. "
            'An image may be {"b64": "..."} with PNG or JPEG bytes.',
            "items": {},
        },
    },
}
_ANSWER = {
    "type": "object",
    "required": ["predictions"],
    "properties": {"predictions": {"type": "array", "items": {}, "description": "One element a row, in order."}},
}
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


def with_predict_routes(document: dict[str, Any]) -> dict[str, Any]:
    """The document with every predict path and the schemas they name."""
    document["tags"] = [{"name": name} for name in ("predict", "models", "health")]  # the order of the page
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(PredictRequest=_REQUEST, PredictAnswer=_ANSWER, Error=_ERROR)
    for prefix in PREFIXES:
        document["paths"][f"{prefix}:predict"] = {"post": _operation(prefix)}
    return document


def _operation(prefix: str) -> dict[str, Any]:
    path = path_parameters(prefix)
    named = [parameter["name"] for parameter in path[1:]]
    return {
        "tags": ["predict"],
        "summary": f"Predict rows with one {named[0]} of the model" if named else "Predict rows",
        "operationId": "predict" + "".join(name.capitalize() for name in named),
        "parameters": [*path, *_HEADERS],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/PredictRequest"}},
                "image/png": {"schema": {"type": "string", "format": "binary"}},
                "image/jpeg": {"schema": {"type": "string", "format": "binary"}},
            },
        },
        "responses": {
            "200": {
                "description": "The predictions.",
                "headers": {name: {"schema": {"type": "string"}} for name in _ANSWER_HEADERS},
                "content": _json("PredictAnswer"),
            },
            **{status: {"description": text, "content": _json("Error")} for status, text in _STATUSES.items()},
        },
    }


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
