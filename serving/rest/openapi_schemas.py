"""The schemas of bodies that FastAPI does not see, for the OpenAPI document.

Pure data.
"""

from typing import Any

from serving.backend_protocol import VersionState


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
_TENSOR_INFO = _object(
    ["dtype", "tensor_shape"],
    {
        "dtype": {"type": "string", "description": "TensorFlow's name, such as DT_FLOAT."},
        "tensor_shape": _object(
            [],
            {
                "dim": {
                    "type": "array",
                    "items": _object(["size"], {"size": {"type": "string", "description": "-1 for any; rows first."}}),
                }
            },
        ),
    },
)
_SIGNATURE_DEF = _object(
    ["inputs", "outputs"],
    {side: {"type": "object", "additionalProperties": _TENSOR_INFO} for side in ("inputs", "outputs")},
)
_FEATURE = _object(
    ["kind", "name", "dtype"],
    {
        "kind": {"type": "string", "enum": ["number", "category", "text", "image", "tensor"]},
        "name": {"type": "string"},
        "dtype": {"type": "string"},
        "shape": {"type": "array", "items": {"type": ["integer", "null"]}, "description": "Of a row; null for any."},
        "unit": {"type": "string"},
        "description": {"type": "string"},
        "range": {"type": ["array", "null"], "items": {"type": "number"}, "description": "Least and most, inclusive."},
        "vocabulary": {"type": "array", "items": {"type": "string"}},
        "default": {"type": ["number", "string", "null"]},
        "optional": {"type": "boolean"},
        "mask_of": {"type": "string", "description": "Where there is one, the gateway makes this feature itself."},
    },
)
_MANIFEST = _object(
    ["features", "outputs", "signatures"],
    {
        "description": {"type": "string"},
        "features": {"type": "array", "items": _FEATURE},
        "outputs": _object(
            ["task"],
            {
                "task": {"type": "string", "enum": ["classification", "regression"]},
                "labels": {"type": "array", "items": {"type": "string"}},
                "target": {"type": "string"},
                "unit": {"type": "string"},
            },
        ),
        "signatures": {
            "type": "object",
            "additionalProperties": _object(
                ["outputs"],
                {"outputs": {"type": "array", "items": _object(["name"], {"name": {"type": "string"}})}},
            ),
        },
        "golden_examples": {
            "type": "array",
            "items": _object(["instance"], {"instance": {"description": "What would stand in `instances`."}}),
        },
    },
    description="The public part of the version's manifest.",
)

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
    "ModelsAnswer": _object(
        ["models"],
        {
            "models": {
                "type": "array",
                "items": _object(
                    ["name", "versions", "labels"],
                    {
                        "name": {"type": "string"},
                        "versions": {"type": "array", "items": {"type": "string"}},
                        "labels": {"type": "object", "additionalProperties": {"type": "integer"}},
                    },
                ),
            }
        },
    ),
    "StatusAnswer": _object(
        ["model_version_status"],
        {
            "model_version_status": {
                "type": "array",
                "items": _object(
                    ["version", "state", "status"],
                    {
                        "version": {"type": "string"},
                        "state": {"type": "string", "enum": [str(state) for state in VersionState]},
                        "status": _object(
                            ["error_code", "error_message"],
                            {"error_code": {"type": "string"}, "error_message": {"type": "string"}},
                        ),
                    },
                ),
            }
        },
    ),
    "MetadataAnswer": _object(
        ["model_spec", "metadata"],
        {
            "model_spec": _object(["name", "version"], {"name": {"type": "string"}, "version": {"type": "string"}}),
            "metadata": _object(
                ["signature_def"],
                {
                    "signature_def": _object(
                        ["signature_def"],
                        {"signature_def": {"type": "object", "additionalProperties": _SIGNATURE_DEF}},
                        description="TensorFlow Serving's own form, in which the key is doubled.",
                    ),
                    "manifest": _MANIFEST,
                },
            ),
        },
    ),
}  # fmt: skip
