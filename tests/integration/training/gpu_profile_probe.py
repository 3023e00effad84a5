"""Runs by itself, because it loads TensorFlow: `gpu_profile_probe.py VERSION_FOLDER` prints as JSON how a version made
for GPUs is built, what a half-precision copy of a network is, and what becomes of one that float16 cannot hold.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow_serving.apis import prediction_log_pb2

from serving.contract.manifest import Classification, Export, Tolerance
from serving.errors import PublishError
from training.exported import Exported, check_same_answers
from training.half_precision import in_half_precision


def compiled_functions(version: Path) -> list[str]:
    """Of the graph's functions, those that XLA must compile, by the part of their name that we give."""
    graph = SavedModel.FromString((version / "saved_model.pb").read_bytes()).meta_graphs[0].graph_def
    return sorted(
        {
            name
            for function in graph.library.function
            for name in ("serve", "classify")
            if function.attr["_XlaMustCompile"].b and f"_{name}_" in function.signature.name
        }
    )


def operations(version: Path) -> dict[str, list[str]]:
    """The dtypes that the graph's matrix products and softmaxes work in."""
    graph = SavedModel.FromString((version / "saved_model.pb").read_bytes()).meta_graphs[0].graph_def
    found: dict[str, set[str]] = {"MatMul": set(), "Softmax": set()}
    for function in graph.library.function:
        for node in function.node_def:
            if node.op in found:
                found[node.op].add(tf.as_dtype(node.attr["T"].type).name)
    return {name: sorted(dtypes) for name, dtypes in found.items()}


def answers(version: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    signatures = tf.saved_model.load(str(version)).signatures
    pixels = np.array([golden["instance"] for golden in manifest["golden_examples"]], np.uint8)
    examples = [
        tf.train.Example(
            features=tf.train.Features(
                feature={"image": tf.train.Feature(int64_list=tf.train.Int64List(value=row.ravel()))}
            )
        ).SerializeToString()
        for row in pixels
    ]
    return {
        "serving_default": signatures["serving_default"](image=tf.constant(pixels))["probabilities"].numpy().tolist(),
        "classify": signatures["classify"](inputs=tf.constant(examples))["scores"].numpy().tolist(),
    }


def warmup_shapes(version: Path) -> list[Any]:
    records = tf.data.TFRecordDataset(str(version / "assets.extra/tf_serving_warmup_requests"))
    logs = [prediction_log_pb2.PredictionLog.FromString(record.numpy()) for record in records]
    inputs = [tf.make_ndarray(log.predict_log.request.inputs["image"]) for log in logs]
    return [[array.dtype.name, *array.shape] for array in inputs]


def network() -> Any:
    """Numbers beyond float16, an image, a wrapped layer, an operation that is no layer, a network in a network."""
    number, image = keras.Input((2,), name="number"), keras.Input((6, 6, 1), name="image")
    normalise = keras.layers.Normalization(axis=-1)
    normalise.adapt(np.array([[1e6, 2e6], [3e6, 8e6]], np.float32))
    inner = keras.Sequential(
        [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.BatchNormalization(), keras.layers.Flatten()]
    )
    seen = keras.layers.TimeDistributed(keras.layers.Dense(3))(keras.ops.reshape(image, (-1, 6, 6)))
    signal = keras.layers.Concatenate()([normalise(number), inner(image), keras.layers.Flatten()(seen)])
    answer = keras.layers.Dense(1)(keras.layers.Dense(8, activation="relu")(signal))
    return keras.Model({"number": number, "image": image}, keras.layers.Rescaling(1e5, 1e6)(answer))


def copied() -> dict[str, Any]:
    keras.utils.set_random_seed(3)
    model = network()
    before = [weights.copy() for weights in model.get_weights()]
    halved = in_half_precision(model)
    rows = {
        "number": np.array([[1e6, 9e6], [2e6, 1e6]], np.float32),
        "image": np.random.default_rng(1).random((2, 6, 6, 1), np.float32),
    }
    full, half = model(rows).numpy(), halved(rows)
    leaves = [inner for layer in halved.layers for inner in getattr(layer, "layers", [layer])]
    wrapper = next(leaf for leaf in leaves if isinstance(leaf, keras.layers.TimeDistributed))
    return {
        "dtypes": [
            [type(layer).__name__, layer.compute_dtype]
            for layer in leaves
            if isinstance(layer, keras.Layer) and layer.weights
        ],
        "wrapped": wrapper.layer.compute_dtype,
        "nested head": nested_head(),
        "kernels": sorted({weight.dtype for weight in halved.weights if "kernel" in weight.path}),
        "answer": half.dtype.name,
        "apart": float(np.abs(half.numpy() - full).max() / 1e5),
        "original kept": all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)),
        "original policy": sorted({layer.compute_dtype for layer in model.layers if isinstance(layer, keras.Layer)}),
    }


def nested_head() -> list[str]:
    """A softmax put behind a whole network of logits: what follows the last layer with weights is float32 too."""
    logits = keras.Sequential([keras.Input((4,)), keras.layers.Dense(5), keras.layers.Dense(2)])
    inputs = keras.Input((4,))
    halved = in_half_precision(keras.Model(inputs, keras.layers.Softmax()(logits(inputs))))
    _, inner, softmax = halved.layers
    return [layer.compute_dtype for layer in (*inner.layers, softmax)]


def refusal(version: Path, manifest: dict[str, Any], tolerance: float) -> str:
    """What publishing says to a Keras model that answered 0.02 more for the third golden row."""
    rows = np.array([golden["instance"] for golden in manifest["golden_examples"]], np.uint8)
    truth = np.array([golden["outputs"]["probabilities"] for golden in manifest["golden_examples"]], np.float32)
    truth[2, 0] += 0.02
    export = Export(profile="gpu", allowed_batch_rows=(4,), tolerance=Tolerance(absolute=tolerance, relative=0))
    labels = Classification(labels=tuple(manifest["outputs"]["labels"]))
    try:
        check_same_answers(Exported(tf.saved_model.load(str(version))), {"image": rows}, truth, labels, export)
    except PublishError as error:
        return str(error)
    return ""


class Untold(keras.layers.Layer):  # type: ignore[misc] # keras has no types
    """Built with an object that a configuration cannot hold."""

    def __init__(self, factor: object) -> None:
        super().__init__()
        self.is_built_with = repr(factor)

    def call(self, inputs: Any) -> Any:
        return inputs * 2


def untold() -> str:
    inputs = keras.Input((4,))
    try:
        in_half_precision(keras.Model(inputs, keras.layers.Dense(2)(Untold(object())(inputs))))
    except PublishError as error:
        return str(error)
    return ""


def uncompilable() -> str:
    """A graph that goes through strings, which XLA has not."""

    def through_strings(image: Any) -> dict[str, Any]:
        return {"probabilities": tf.strings.to_number(tf.strings.as_string(image))}

    module = tf.Module()
    rows = tf.TensorSpec((None, 2), tf.float32, name="image")
    module.serve = tf.function(through_strings, input_signature=[rows], jit_compile=True)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures={"serving_default": module.serve})
        try:
            Exported(tf.saved_model.load(folder)).answer({"image": np.ones((1, 2), np.float32)}, "probabilities")
        except PublishError as error:
            return str(error)
    return ""


def main(version: Path) -> None:
    manifest = json.loads((version / "assets.extra/manifest.json").read_bytes())
    found = {
        "compiled": compiled_functions(version),
        "operations": operations(version),
        "answers": answers(version, manifest),
        "warmup": warmup_shapes(version),
        "copied": copied(),
        "refusal": refusal(version, manifest, 0.01),
        "allowed": refusal(version, manifest, 0.04),
        "untold": untold(),
        "uncompilable": uncompilable(),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
