"""A Keras model to a SavedModel with named signatures.

`serving_default` takes the features by name and answers under the task's output name. `classify` and `regress` take
serialized tf.Example records, as TensorFlow Serving's Classify and Regress calls send them.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.contract.features import Feature, NumberFeature
from serving.contract.manifest import Classification, Regression
from serving.contract.model_directory import VersionPaths

OUTPUT_NAMES: Mapping[str, str] = {"classification": "probabilities", "regression": "value"}
"""What `serving_default` calls its one output, by task: float32 [rows, classes] and float32 [rows, 1]."""


def export_saved_model(
    model: Any, features: Sequence[Feature], outputs: Classification | Regression, staged: VersionPaths
) -> None:
    """Writes the SavedModel into `staged`, beside whatever lies there. Every signature takes any number of rows."""
    archive = keras.export.ExportArchive()
    archive.track(model)
    named_inputs = {
        feature.name: tf.TensorSpec((None, *feature.row_shape), feature.dtype, name=feature.name)
        for feature in features
    }
    examples = tf.TensorSpec((None,), tf.string, name="inputs")
    archive.add_endpoint(
        DEFAULT_SIGNATURE,
        tf.function(_predict(model, OUTPUT_NAMES[outputs.task]), input_signature=[named_inputs]),
    )
    if isinstance(outputs, Classification):
        classify = _classify(model, features, outputs.labels)
        archive.add_endpoint("classify", tf.function(classify, input_signature=[examples]))
    else:
        archive.add_endpoint("regress", tf.function(_regress(model, features), input_signature=[examples]))
    archive.write_out(str(staged.root), verbose=False)


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
    return tf.io.parse_example(examples, {feature.name: _wanted(feature) for feature in features})


def _wanted(feature: Feature) -> Any:
    absent = math.nan if isinstance(feature, NumberFeature) and feature.optional else None
    return tf.io.FixedLenFeature(feature.row_shape, feature.dtype, default_value=absent)
