"""Two networks over sequences of any length, exported with manifests that say how rows are filled up; run as a script.

Argument: a model directory. Prints the Keras networks' own answers to every row of ROWS, each asked alone and unpadded.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from serving.contract.features import TensorFeature
from serving.contract.manifest import Lineage, Manifest, Metrics, Regression, render_manifest
from serving.contract.model_directory import model_paths
from serving.contract.tensors import Signature, TensorSpec

ROWS = [[3], [1, 2], [4, 5, 6], [7, 8, 9, 1], [2, 2, 2, 2, 2], [9, 8, 7, 6, 5, 4, 3, 2, 1]]
TOKENS = TensorFeature(name="tokens", dtype="int64", shape=(None,), pad_value=0)
MASK = TensorFeature(name="own", dtype="float32", shape=(None,), mask_of="tokens")


def masked_by_zero() -> Any:
    """An LSTM that skips zeros: one value a row and two numbers a token."""
    tokens = keras.Input((None,), dtype="int64", name="tokens")
    states = keras.layers.LSTM(6, return_sequences=True)(keras.layers.Embedding(10, 4, mask_zero=True)(tokens))
    value = keras.layers.Dense(1)(keras.layers.GlobalAveragePooling1D()(states))
    return keras.Model({"tokens": tokens}, {"value": value, "tags": keras.layers.Dense(2)(states)})


def masked_by_input() -> Any:
    """The mean of embeddings, zero's own included, over what a second input says."""
    tokens = keras.Input((None,), dtype="int64", name="tokens")
    own = keras.Input((None,), name="own")
    kept = keras.layers.Embedding(10, 4)(tokens) * keras.ops.expand_dims(own, -1)
    mean = keras.ops.sum(kept, axis=1) / keras.ops.sum(own, axis=1, keepdims=True)
    return keras.Model({"tokens": tokens, "own": own}, {"value": keras.layers.Dense(1)(mean)})


def publish(models: Path, name: str, network: Any, features: tuple[TensorFeature, ...]) -> None:
    version = model_paths(models, name).version(1)
    given = {f.name: tf.TensorSpec((None, *f.row_shape), f.dtype, name=f.name) for f in features}
    archive = keras.export.ExportArchive()
    archive.track(network)
    serve = tf.function(lambda inputs: network(inputs, training=False), input_signature=[given])
    archive.add_endpoint("serving_default", serve)
    archive.write_out(str(version.root), verbose=False)
    inputs = tuple(TensorSpec(f.name, f.dtype, f.row_shape) for f in features)
    outputs = (TensorSpec("tags", "float32", (None, 2)), TensorSpec("value", "float32", (1,)))
    version.extra.mkdir(exist_ok=True)
    manifest = Manifest(
        model=name, version=1, features=features, outputs=Regression(target="value"),
        signatures={"serving_default": Signature(inputs, outputs[2 - len(network.output):])},
        metrics=Metrics(test={}, baseline={}), lineage=Lineage(source="probe", sha256="0" * 64, rows={}, seed=0),
        job_sha256="0" * 64, frameworks={}, created_at=datetime.now(UTC),
    )  # fmt: skip
    version.manifest.write_bytes(render_manifest(manifest))


def main(models: Path) -> dict[str, Any]:
    keras.utils.set_random_seed(7)
    networks = {"by_zero": (masked_by_zero(), (TOKENS,)), "by_input": (masked_by_input(), (TOKENS, MASK))}
    answers = {}
    for name, (network, features) in networks.items():
        publish(models, name, network, features)
        answers[name] = [
            {output: found.numpy()[0].tolist() for output, found in network(_alone(row, features)).items()}
            for row in ROWS
        ]
    return {"rows": ROWS, "answers": answers}


def _alone(row: list[int], features: tuple[TensorFeature, ...]) -> dict[str, Any]:
    inputs = {"tokens": np.array([row], np.int64)}
    return inputs if features == (TOKENS,) else {**inputs, "own": np.ones((1, len(row)), np.float32)}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))  # noqa: T201 - what the test reads
