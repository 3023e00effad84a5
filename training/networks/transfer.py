"""Transfer learning: a network that has learned something else, reused in front of dense layers of the job's own.

The backbone is one layer of the model, named BACKBONE; `training/phases.py` says when it learns.
"""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from serving.contract.features import Feature, ImageFeature
from serving.contract.model_directory import VersionPaths, model_paths
from serving.errors import InvalidJob
from serving.model_store.labels import answering_version, read_labels
from serving.model_store.versions import list_versions
from training.networks.dense import dense_layers, joined
from training.networks.spec import BackboneSpec, TransferSpec

BACKBONE = "backbone"
"""The name of the reused layers, one layer of the model."""

WEBSITE = "https://keras.io/api/applications"


def kept_keras_model(version: VersionPaths) -> Path:
    """Where a version keeps the Keras model that another job may reuse."""
    return version.extra / "model.keras"


def transfer(inputs: Mapping[str, Any], features: Sequence[Feature], spec: TransferSpec, models: Path | None) -> Any:
    """[rows, width of the last dense layer] from the features as they come: scaling is the backbone's own.

    Raises InvalidJob for a backbone that cannot be had, or that reads something else than the features.
    """
    if spec.backbone.published is not None:
        if models is None:
            raise InvalidJob("network.backbone.published: there is no model directory to take it from")
        return dense_layers(_published(inputs, spec.backbone, models), spec)
    if len(features) != 1 or not isinstance(features[0], ImageFeature):
        raise InvalidJob("network.backbone.application: it reads one image, and no other feature")
    return dense_layers(joined([_application(inputs[features[0].name], features[0], spec.backbone)]), spec)


def _published(inputs: Mapping[str, Any], spec: BackboneSpec, models: Path) -> Any:
    name = str(spec.published)
    versions = list_versions(models, name) if model_paths(models, name).root.is_dir() else ()
    version = spec.version or answering_version(read_labels(models, name), versions)
    if version not in versions:
        there = ", ".join(map(str, versions)) or "none"
        raise InvalidJob(f"network.backbone: {name} has no version to reuse in {models}; published: {there}")
    file = kept_keras_model(model_paths(models, name).version(version))
    if not file.is_file():
        raise InvalidJob(
            f"network.backbone: {name} version {version} keeps no Keras model; train it with keep_keras_model = true"
        )
    model = keras.models.load_model(file, compile=False, safe_mode=True)
    theirs = {tensor.name: tuple(tensor.shape) for tensor in model.inputs}
    ours = {feature: tuple(tensor.shape) for feature, tensor in inputs.items()}
    if theirs != ours:
        raise InvalidJob(f"network.backbone: {name} version {version} reads {theirs}; the job's features are {ours}")
    head = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)][-1]
    return keras.Model(model.input, head.input, name=BACKBONE)(dict(inputs))


def _application(image: Any, feature: ImageFeature, spec: BackboneSpec) -> Any:
    make = getattr(keras.applications, str(spec.application), None)
    if not inspect.isfunction(make):
        raise InvalidJob(f"network.backbone.application: keras.applications has no {spec.application}; see {WEBSITE}")
    pixels = image if len(image.shape) == 4 else keras.layers.Reshape((*image.shape[1:], 1))(image)
    if pixels.shape[-1] == 1:
        pixels = keras.layers.Concatenate()([pixels] * 3)
    # back from the feature's units to 8-bit pixels, which every application's own scaling starts from
    scale, offset = feature.decoding.scale, feature.decoding.offset
    pixels = keras.layers.Rescaling(1 / scale, -offset / scale)(pixels)
    scaled = inspect.getmodule(make).preprocess_input(pixels)  # type: ignore[union-attr]  # a function has a module
    weights = None if spec.weights == "none" else spec.weights
    try:
        network = make(include_top=False, weights=weights, input_shape=tuple(pixels.shape[1:]), pooling="avg")
    except Exception as error:  # Keras raises a bare Exception where a download fails
        raise InvalidJob(
            f"network.backbone: {spec.application} with weights {spec.weights!r}: {error}; weights may be the path of a"
            f" file for include_top=False, such as those at {WEBSITE}, or 'none'"
        ) from error
    return keras.Model(network.input, network.output, name=BACKBONE)(scaled)
