"""What the gateway says of a version: its features, outputs and labels; and the states of a model's versions.

Pure: parses the bodies of `/metadata`, of the status call and of the list of models.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from penstock_client.errors import UnexpectedAnswer


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing a row must say. `shape` is that of one row's value: `()` for a single number or string."""

    kind: str
    name: str
    dtype: str
    shape: tuple[int | None, ...] = ()
    unit: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """One version of a model.

    A classifier has `labels`, a regressor `target` and `unit`; `task` is None for a model without a manifest,
    whose features are then its signature's inputs, of kind `tensor`. `manifest` is the public part of the
    manifest as the gateway sent it (golden examples, ranges, vocabularies), empty where there is none.
    """

    model: str
    version: int
    features: tuple[Feature, ...]
    output_names: tuple[str, ...]
    task: str | None = None
    labels: tuple[str, ...] = ()
    target: str | None = None
    unit: str | None = None
    description: str = ""
    manifest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """`state` is START, LOADING, AVAILABLE, UNLOADING or END; `message` says why when something is wrong."""

    version: int
    state: str
    message: str = ""


@contextmanager
def reading(what: str) -> Iterator[None]:
    """The border at which a body that lacks what we rely on becomes UnexpectedAnswer."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise UnexpectedAnswer(
            f"{what} is not as Penstock's gateway writes it ({type(error).__name__}: {error}); is the URL right?"
        ) from error


def parse_metadata(body: Any) -> ModelMetadata:
    with reading("the model's metadata"):
        spec, metadata = body["model_spec"], body["metadata"]
        model, version = str(spec["name"]), int(spec["version"])
        manifest = metadata.get("manifest")
        if manifest:
            return _from_manifest(model, version, manifest)
        return _from_signature(model, version, metadata["signature_def"])


def parse_status(body: Any) -> tuple[VersionStatus, ...]:
    with reading("the model's status"):
        return tuple(
            VersionStatus(
                version=int(entry["version"]),
                state=str(entry["state"]),
                message=str(entry.get("status", {}).get("error_message", "")),
            )
            for entry in body["model_version_status"]
        )


def parse_models(body: Any) -> list[str]:
    with reading("the list of models"):
        return [str(model["name"]) for model in body["models"]]


def _from_manifest(model: str, version: int, manifest: dict[str, Any]) -> ModelMetadata:
    outputs = manifest["outputs"]
    signature = manifest["signatures"]["serving_default"]
    return ModelMetadata(
        model=model,
        version=version,
        features=tuple(
            _feature(feature)
            for feature in manifest["features"]
            if not feature.get("mask_of")  # made by the gateway, not sent
        ),
        output_names=tuple(str(output["name"]) for output in signature["outputs"]),
        task=str(outputs["task"]),
        labels=tuple(str(label) for label in outputs.get("labels", ())),
        target=outputs.get("target"),
        unit=outputs.get("unit"),
        description=str(manifest.get("description", "")),
        manifest=manifest,
    )


def _feature(feature: dict[str, Any]) -> Feature:
    return Feature(
        kind=str(feature["kind"]),
        name=str(feature["name"]),
        dtype=str(feature["dtype"]),
        shape=tuple(feature.get("shape", ())),
        unit=str(feature.get("unit", "")),
        description=str(feature.get("description", "")),
    )


def _from_signature(model: str, version: int, signature_def: dict[str, Any]) -> ModelMetadata:
    """TensorFlow Serving's own form, in which the key is doubled and sizes are strings, -1 for any."""
    signature = signature_def["signature_def"]["serving_default"]
    return ModelMetadata(
        model=model,
        version=version,
        features=tuple(
            Feature(kind="tensor", name=name, dtype=str(tensor["dtype"]), shape=_row_shape(tensor["tensor_shape"]))
            for name, tensor in signature["inputs"].items()
        ),
        output_names=tuple(signature["outputs"]),
    )


def _row_shape(tensor_shape: dict[str, Any]) -> tuple[int | None, ...]:
    sizes = [int(dimension["size"]) for dimension in tensor_shape.get("dim", ())]
    return tuple(None if size < 0 else size for size in sizes[1:])
