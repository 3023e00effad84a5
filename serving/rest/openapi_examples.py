"""Requests and answers to show for every model, made from the golden examples of its manifest.

Pure: catalog in, OpenAPI example objects out. What is shown can be sent as it stands.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from serving.catalog import CatalogView, Servable
from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.contract.features import sent_by_callers
from serving.contract.manifest import Classification, GoldenExample, Manifest
from serving.contract.open_inference import DATATYPES
from serving.errors import InvalidInput
from serving.preprocessing.records import decode_instances
from serving.rest.oip_tensors import to_json

Examples: TypeAlias = dict[str, Any]
"""OpenAPI's `examples`: a name to an object with a `summary` and a `value`."""
_Make: TypeAlias = Callable[[Servable, Manifest, GoldenExample], Iterator[tuple[str, Any]]]


def _predict_requests(_: Servable, __: Manifest, golden: GoldenExample) -> Iterator[tuple[str, Any]]:
    yield "rows", {"instances": [golden.instance]}
    if isinstance(golden.instance, dict):
        yield "columns", {"inputs": {name: [value] for name, value in golden.instance.items()}}
    else:
        yield "columns", {"inputs": [golden.instance]}


def _predict_answers(_: Servable, __: Manifest, golden: GoldenExample) -> Iterator[tuple[str, Any]]:
    one = next(iter(golden.outputs.values()))
    several = len(golden.outputs) > 1
    yield "rows", {"predictions": [golden.outputs if several else one]}
    yield "columns", {"outputs": {name: [value] for name, value in golden.outputs.items()} if several else [one]}


def _examples_request(_: Servable, manifest: Manifest, golden: GoldenExample) -> Iterator[tuple[str, Any]]:
    named = golden.instance if isinstance(golden.instance, dict) else {manifest.features[0].name: golden.instance}
    yield "", {"examples": [named]}


def _classify_answer(_: Servable, manifest: Manifest, golden: GoldenExample) -> Iterator[tuple[str, Any]]:
    scores = golden.outputs.get("probabilities")
    if isinstance(manifest.outputs, Classification) and isinstance(scores, list):
        yield "", {"results": [[list(pair) for pair in zip(manifest.outputs.labels, scores, strict=True)]]}


def _regress_answer(_: Servable, __: Manifest, golden: GoldenExample) -> Iterator[tuple[str, Any]]:
    value = golden.outputs.get("value")
    if isinstance(value, list):
        yield "", {"results": value}


def _infer_request(_: Servable, manifest: Manifest, golden: GoldenExample) -> Iterator[tuple[str, Any]]:
    features = sent_by_callers(manifest.features)
    try:
        arrays = decode_instances([golden.instance], features)
    except InvalidInput:
        return  # an example in a form that this gateway does not read shows nothing
    inputs = []
    for feature in features:
        array = arrays[feature.name]
        data = to_json(array)
        inputs.append(
            {
                "name": feature.name,
                "datatype": DATATYPES[feature.dtype],
                "shape": list(array.shape),
                "data": data if isinstance(data, list) else data.tolist(),
            }
        )
    yield "", {"id": "1", "inputs": inputs}


def _infer_answer(servable: Servable, _: Manifest, golden: GoldenExample) -> Iterator[tuple[str, Any]]:
    signature = servable.signatures.get(DEFAULT_SIGNATURE)
    outputs = [
        {
            "name": spec.name,
            "datatype": DATATYPES[spec.dtype],
            "shape": [1, *(size or 1 for size in spec.row_shape)],
            "data": golden.outputs[spec.name],
        }
        for spec in (signature.outputs if signature else ())
        if spec.name in golden.outputs
    ]
    yield (
        "",
        {
            "model_name": servable.model,
            "model_version": str(servable.version),
            "id": "1",
            "parameters": {"queue_ms": 0.4, "backend_ms": 0.9, "batch_rows": 1},
            "outputs": outputs,
        },
    )


_REQUESTS: Mapping[str, _Make] = MappingProxyType(
    {
        "predict": _predict_requests,
        "classify": _examples_request,
        "regress": _examples_request,
        "infer": _infer_request,
    }
)
_ANSWERS: Mapping[str, _Make] = MappingProxyType(
    {
        "predict": _predict_answers,
        "classify": _classify_answer,
        "regress": _regress_answer,
        "infer": _infer_answer,
    }
)


def request_examples(view: CatalogView, verb: str) -> Examples:
    return _examples(view, verb, _REQUESTS[verb])


def answer_examples(view: CatalogView, verb: str) -> Examples:
    return _examples(view, verb, _ANSWERS[verb])


def model_examples(view: CatalogView) -> Examples:
    """Values for a path's `model`."""
    return {name: {"value": name} for name in view.models}


def _examples(view: CatalogView, verb: str, make: _Make) -> Examples:
    found: Examples = {}
    for servable in _answering(view):
        manifest = servable.manifest
        if manifest is None or not manifest.golden_examples or not _has_verb(servable, verb):
            continue
        for form, value in make(servable, manifest, manifest.golden_examples[0]):
            name = f"{servable.model} {form}".strip()
            found[name] = {"summary": f"{name}: {manifest.description}".removesuffix(": "), "value": value}
    return found


def _answering(view: CatalogView) -> Iterator[Servable]:
    """The version of each model that answers a request which names none."""
    for entry in view.models.values():
        version = entry.answering_version()
        if version is not None and version in entry.servables:
            yield entry.servables[version]


def _has_verb(servable: Servable, verb: str) -> bool:
    return verb in {"predict", "infer"} or verb in servable.signatures
