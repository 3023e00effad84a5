"""A Keras model to a SavedModel with named signatures.

`serving_default` takes the features by name and answers under the task's output name. `classify` and `regress` take
serialized tf.Example records, as TensorFlow Serving's Classify and Regress calls send them.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.contract.features import Feature, ImageDecoding, NumberFeature
from serving.contract.manifest import Classification
from serving.contract.model_directory import VersionPaths
from training.half_precision import in_half_precision
from training.job import JobSpec
from training.served import pixel_decodings, served_features

OUTPUT_NAMES: Mapping[str, str] = {"classification": "probabilities", "regression": "value"}
"""What `serving_default` calls its one output, by task: float32 [rows, classes] and float32 [rows, 1]."""


def export_saved_model(model: Any, job: JobSpec, staged: VersionPaths) -> None:
    """Writes `model`, which gives the task's answer in float32, into `staged`, beside whatever lies there.

    Every signature takes any number of rows. With the job's profile gpu the network computes in mixed float16 and
    `serving_default` is compiled by XLA, anew for each number of rows; the other signatures are not compiled, as
    nobody fixes how many rows they are called with, and XLA cannot parse tf.Example.
    """
    for_gpu = job.export.profile == "gpu"
    trained = job.contract_features
    features, decodings = served_features(trained, job.export), pixel_decodings(trained, job.export)
    network = in_half_precision(model) if for_gpu else model
    serve = _Decoded(network, decodings)
    archive = keras.export.ExportArchive()
    archive.track(network)
    named_inputs = {
        feature.name: tf.TensorSpec((None, *feature.row_shape), feature.dtype, name=feature.name)
        for feature in features
    }
    examples = tf.TensorSpec((None,), tf.string, name="inputs")
    predict = _predict(serve, OUTPUT_NAMES[job.outputs.task])
    archive.add_endpoint(
        DEFAULT_SIGNATURE,
        # None, not False, where it is not wanted: False forbids XLA to a caller who compiles the whole
        tf.function(predict, input_signature=[named_inputs], jit_compile=True if for_gpu else None),
    )
    if isinstance(job.outputs, Classification):
        classify = _classify(serve, features, job.outputs.labels)
        archive.add_endpoint("classify", tf.function(classify, input_signature=[examples]))
    else:
        archive.add_endpoint("regress", tf.function(_regress(serve, features), input_signature=[examples]))
    archive.write_out(str(staged.root), verbose=False)


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A model called with 8-bit pixels under the names in `decodings`, trained on what they decode to."""

    model: Any
    decodings: Mapping[str, ImageDecoding]

    def __call__(self, inputs: Mapping[str, Any], *, training: bool) -> Any:
        decoded = {
            name: _decode(tensor, self.decodings[name]) if name in self.decodings else tensor
            for name, tensor in inputs.items()
        }
        return self.model(decoded, training=training)


def _decode(pixels: Any, decoding: ImageDecoding) -> Any:
    return tf.cast(pixels, tf.float32) * decoding.scale + decoding.offset


def _predict(model: Any, output: str) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    def serve(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        return {output: model(inputs, training=False)}

    return serve


def _classify(model: Any, features: Sequence[Feature], labels: Sequence[str]) -> Callable[[Any], Mapping[str, Any]]:
    def classify(inputs: Any) -> Mapping[str, Any]:
        scores = model(_parse(inputs, features), training=False)
        classes = tf.broadcast_to(tf.constant(labels), tf.shape(scores))
        return {"classes": classes, "scores": scores}

    return classify


def _regress(model: Any, features: Sequence[Feature]) -> Callable[[Any], Mapping[str, Any]]:
    def regress(inputs: Any) -> Mapping[str, Any]:
        # one number a row: what Regress's answer, a list of values, has room for
        return {"outputs": tf.squeeze(model(_parse(inputs, features), training=False), axis=-1)}

    return regress


def _parse(examples: Any, features: Sequence[Feature]) -> Any:
    parsed = tf.io.parse_example(examples, {feature.name: _wanted(feature) for feature in features})
    return {feature.name: tf.cast(parsed[feature.name], feature.dtype) for feature in features}


def _wanted(feature: Feature) -> Any:
    # tf.Example has three kinds of list: bytes, float and int64
    stored = tf.int64 if feature.dtype == "uint8" else feature.dtype
    absent = math.nan if isinstance(feature, NumberFeature) and feature.optional else None
    return tf.io.FixedLenFeature(feature.row_shape, stored, default_value=absent)
