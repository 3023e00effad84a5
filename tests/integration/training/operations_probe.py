"""Runs by itself, because it loads TensorFlow: the operations of graphs that Keras makes, as JSON by what was built,
and under `registered` all that TensorFlow has. Also what becomes of a .keras file with code in it.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from pydantic import TypeAdapter
from tensorflow.core.framework import op_def_pb2
from tensorflow.python.client import pywrap_tf_session

from training.networks.build import FAMILIES
from training.networks.recurrent import recurrent
from training.networks.spec import NetworkSpec

layers = keras.layers
SPEC: TypeAdapter[Any] = TypeAdapter(NetworkSpec)
PLAIN = {"activation": "relu", "dropout": 0.1}
ROWS: dict[str, Any] = {
    "numbers": tf.TensorSpec([None, 6], tf.float32),
    "series": tf.TensorSpec([None, 7, 4], tf.float32),
    "image": tf.TensorSpec([None, 32, 32, 3], tf.float32),
    "volume": tf.TensorSpec([None, 8, 8, 8, 2], tf.float32),
    "tokens": tf.TensorSpec([None, 7], tf.int64),
    "texts": tf.TensorSpec([None], tf.string),
}


def operations(model: Any, rows: str) -> list[str]:
    called = tf.function(lambda given: model(given, training=False)).get_concrete_function(ROWS[rows])
    graph = called.graph.as_graph_def()
    functions = {function.signature.name for function in graph.library.function}
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    return sorted({node.op for node in nodes} - functions)


def preprocessing() -> dict[str, tuple[Any, str]]:
    words, pairs = layers.TextVectorization(), layers.TextVectorization(ngrams=2, output_mode="tf_idf")
    for each in (words, pairs):
        each.adapt(["a b c", "b c d"])
    scaled = layers.Normalization()
    scaled.adapt(np.ones((3, 6)))
    return {
        "words": (words, "texts"),
        "pairs": (pairs, "texts"),
        "strings": (layers.StringLookup(vocabulary=["a", "b"], output_mode="one_hot"), "texts"),
        "integers": (layers.IntegerLookup(vocabulary=[1, 2]), "tokens"),
        "hashed": (layers.Hashing(5), "texts"),
        "scaled": (scaled, "numbers"),
        "bins": (layers.Discretization(bin_boundaries=[0.1, 0.5]), "numbers"),
        "categories": (layers.CategoryEncoding(9, output_mode="count"), "tokens"),
        "rescaled": (layers.Rescaling(1 / 255), "image"),
        "resized": (layers.Resizing(8, 8, antialias=True), "image"),
    }


def networks() -> dict[str, tuple[Any, str]]:
    found: dict[str, tuple[Any, str]] = {}
    families: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("mlp", {"family": "mlp", "units": [8], "batch_normalisation": True}, "numbers"),
        ("cnn", {"family": "cnn", "filters": [4], "units": [3], "batch_normalisation": True}, "image"),
    )
    for name, spec, rows in families:
        inputs = keras.Input(ROWS[rows].shape[1:])
        found[name] = (
            keras.Model(inputs, FAMILIES[spec["family"]]([inputs], SPEC.validate_python(PLAIN | spec))),
            rows,
        )
    for cell in ("lstm", "gru"):
        tokens = keras.Input((7,), dtype="int64", name="tokens")
        spec = SPEC.validate_python(
            PLAIN | {"family": "recurrent", "cell": cell, "embedding_units": 4, "cell_units": 4, "units": [4]}
        )
        found[cell] = (keras.Model(tokens, recurrent([tokens], spec, tokens={tokens.name: 50})), "tokens")
    found["attention"] = (attention(), "series")
    for name, build in (
        ("mobile", keras.applications.MobileNetV3Small),
        ("efficient", keras.applications.EfficientNetV2B0),
        ("residual", keras.applications.ResNet50V2),
    ):
        found[name] = (build(weights=None, input_shape=(32, 32, 3), include_top=False, pooling="avg"), "image")
    return found


def attention() -> Any:
    series = keras.Input((7, 4))
    mixed = layers.MultiHeadAttention(2, 3)(series, series)
    return keras.Model(series, layers.LayerNormalization()(layers.Dense(4, "gelu")(mixed)))


def single_layers() -> dict[str, tuple[Any, str]]:
    makes: dict[str, tuple[Callable[[], Any], str]] = {
        "separable": (lambda: layers.SeparableConv2D(4, 3), "image"),
        "transposed": (lambda: layers.Conv2DTranspose(4, 3, strides=2), "image"),
        "deep": (lambda: layers.Conv3D(4, 3), "volume"),
        "rows": (lambda: layers.Conv1D(4, 3, padding="causal"), "series"),
        "plain": (lambda: layers.SimpleRNN(3), "series"),
        "both": (lambda: layers.Bidirectional(layers.LSTM(3)), "series"),
        "each": (lambda: layers.TimeDistributed(layers.Dense(3)), "series"),
        "groups": (lambda: layers.GroupNormalization(1), "image"),
        "larger": (lambda: layers.UpSampling2D(interpolation="bilinear"), "image"),
        "largest": (layers.GlobalMaxPooling2D, "image"),
        "turned": (lambda: layers.RandomRotation(0.1), "image"),
        "cropped": (lambda: layers.CenterCrop(8, 8), "image"),
    }
    return {name: (make(), rows) for name, (make, rows) in makes.items()}


def registered() -> list[str]:
    known = op_def_pb2.OpList()
    known.ParseFromString(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList()))
    return [each.name for each in known.op]


def lambda_refusal() -> str:
    """A .keras file with a function's bytecode in it, loaded as training loads the models it builds on."""
    inputs = keras.Input((2,))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hostile.keras"
        keras.Model(inputs, layers.Lambda(lambda x: x * 2)(inputs)).save(path)
        try:
            keras.models.load_model(path, compile=False, safe_mode=True)
        except ValueError as error:
            return str(error)
    return ""


def main() -> None:
    built = preprocessing() | networks() | single_layers()
    found: dict[str, Any] = {"built": {name: operations(model, rows) for name, (model, rows) in built.items()}}
    sys.stdout.write(json.dumps(found | {"registered": registered(), "lambda": lambda_refusal()}) + "\n")


if __name__ == "__main__":
    main()
