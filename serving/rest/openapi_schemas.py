"""The schemas of the plain ASGI routes' bodies, for the OpenAPI document.

Pure data.
"""

from typing import Any


def _object(required: list[str], properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties, **more}


_SIGNATURE = {"type": "string", "default": "serving_default"}
_ROWS = {"type": "array", "items": {}, "description": "One element a row, in order."}
_PAIR = {"type": "array", "description": "[label, score]"}
_PARAMETERS = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
_TENSOR = {
    "name": {"type": "string"},
    "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
    "datatype": {"type": "string"},
    "parameters": _PARAMETERS,
    "data": {"type": "array", "description": "Flat, row-major; left out where the values come raw behind the JSON."},
}

SCHEMAS: dict[str, Any] = {
    "Error": _object(
        ["error", "code", "request_id"],
        {
            "error": {"type": "string", "description": "What came, what was expected and what to do."},
            "code": {"type": "string", "description": "The error's name, such as WrongShape."},
            "field": {"type": "string", "description": "JSON pointer (RFC 6901) to the place in the body."},
            "request_id": {"type": "string"},
        },
    ),
    "PredictRequest": {
        "type": "object",
        "additionalProperties": False,
        "oneOf": [{"required": ["instances"]}, {"required": ["inputs"]}],
        "properties": {
            "signature_name": _SIGNATURE,
            "instances": {
                "type": "array",
                "minItems": 1,
                "description": "One element a row: a bare value for a model of one feature, else an object of "
                'features. An image may be {"b64": "..."} with the bytes of a PNG, JPEG or WebP.',
                "items": {},
            },
            "inputs": {
                "description": "Columns: a list with one element a row for a model of one feature, else an object of "
                "such lists."
            },
        },
    },
    "PredictAnswer": {
        "type": "object",
        "oneOf": [{"required": ["predictions"]}, {"required": ["outputs"]}],
        "properties": {
            "predictions": {**_ROWS, "description": "Where `instances` were sent: one element a row, in order."},
            "outputs": {"description": "Where `inputs` were sent: the output's column, or an object of columns."},
        },
    },
    "ExamplesRequest": _object(
        ["examples"],
        {
            "signature_name": {"type": "string"},
            "context": {"type": "object", "description": "Features that every example shares."},
            "examples": {"type": "array", "minItems": 1, "items": {"type": "object"}},
        },
        additionalProperties=False,
    ),
    "ClassifyAnswer": _object(["results"], {"results": {"type": "array", "items": {"type": "array", "items": _PAIR}}}),
    "RegressAnswer": _object(["results"], {"results": {"type": "array", "items": {"type": ["number", "null"]}}}),
    "InferRequest": _object(
        ["inputs"],
        {
            "id": {"type": "string"},
            "parameters": _PARAMETERS,
            "inputs": {
                "type": "array",
                "minItems": 1,
                "items": _object(["name", "shape", "datatype"], {**_TENSOR, "data": {"type": "array"}}),
            },
            "outputs": {"type": "array", "items": _object(["name"], {"name": {"type": "string"}})},
        },
    ),
    "InferAnswer": _object(
        ["model_name", "model_version", "outputs"],
        {
            "model_name": {"type": "string"},
            "model_version": {"type": "string"},
            "id": {"type": "string"},
            "parameters": _PARAMETERS,
            "outputs": {"type": "array", "items": _object(["name", "shape", "datatype"], _TENSOR)},
        },
    ),
}  # fmt: skip
