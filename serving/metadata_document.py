"""What a version takes and answers, as one JSON document: over REST the answer itself, over gRPC a parameter of
ModelConfig. TensorFlow Serving's metadata, and the public part of the manifest beside it.

Pure.
"""

from collections.abc import Mapping
from typing import Any

from serving.catalog import Servable
from serving.contract.tensors import Signature, TensorSpec

_TENSORFLOW_DTYPES = {
    "bool": "DT_BOOL",
    "uint8": "DT_UINT8",
    "int32": "DT_INT32",
    "int64": "DT_INT64",
    "float16": "DT_HALF",
    "float32": "DT_FLOAT",
    "float64": "DT_DOUBLE",
    "string": "DT_STRING",
}
_PUBLIC = {"description", "features", "outputs", "signatures", "golden_examples", "metrics", "created_at"}
"""What of a manifest anybody may see; where the data lay and how the files hash is not their business."""


def metadata_document(servable: Servable) -> dict[str, Any]:
    """TensorFlow Serving's metadata with its doubled key, and the public part of our manifest beside it."""
    metadata: dict[str, Any] = {
        "signature_def": {
            "signature_def": {name: _signature(signature) for name, signature in servable.signatures.items()}
        }
    }
    if servable.manifest:
        metadata["manifest"] = servable.manifest.model_dump(mode="json", include=_PUBLIC)
    return {
        "model_spec": {"name": servable.model, "signature_name": "", "version": str(servable.version)},
        "metadata": metadata,
    }


def _signature(signature: Signature) -> dict[str, Any]:
    return {
        "inputs": _tensors(signature.inputs),
        "outputs": _tensors(signature.outputs),
        "method_name": "tensorflow/serving/predict",
    }


def _tensors(specs: tuple[TensorSpec, ...]) -> Mapping[str, Any]:
    return {
        spec.name: {
            "dtype": _TENSORFLOW_DTYPES[spec.dtype],
            "tensor_shape": {
                "dim": [{"size": str(-1 if size is None else size), "name": ""} for size in (None, *spec.row_shape)],
                "unknown_rank": False,
            },
            "name": spec.name,
        }
        for spec in specs
    }
