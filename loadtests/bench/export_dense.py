"""Writes the network that is measured, a SavedModel with its manifest, and its weights for a reference by numpy.

usage: python -m loadtests.bench.export_dense FOLDER WIDTH...     (a process of its own: it loads TensorFlow)
FOLDER/models/dense/1 is the version, FOLDER/weights.npz has kernel_0, bias_0, kernel_1, ... in order.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

import keras
import numpy as np

from loadtests.bench.dense_model import CLASSES, INPUT, MODEL, OUTPUT, PIXELS
from serving.contract.features import TensorFeature
from serving.contract.manifest import Classification, Lineage, Manifest, Metrics, render_manifest
from serving.contract.model_directory import model_paths
from serving.contract.tensors import Signature, TensorSpec

SEED = 7


def export(folder: Path, widths: list[int]) -> None:
    keras.utils.set_random_seed(SEED)
    image = keras.Input((PIXELS,), name=INPUT)
    hidden = image
    for width in widths:
        hidden = keras.layers.Dense(width, activation="relu")(hidden)
    model = keras.Model(image, {OUTPUT: keras.layers.Dense(CLASSES, activation="softmax")(hidden)})
    version = model_paths(folder / "models", MODEL).version(1)
    model.export(version.root, verbose=False)
    version.extra.mkdir(exist_ok=True)
    version.manifest.write_bytes(render_manifest(manifest()))
    layers = [layer for layer in model.layers if layer.get_weights()]
    weights = {
        f"{name}_{place}": array
        for place, layer in enumerate(layers)
        for name, array in zip(("kernel", "bias"), layer.get_weights(), strict=True)
    }
    np.savez(folder / "weights.npz", **weights)


def manifest() -> Manifest:
    """What the in-memory backend needs, and a check of every request: nothing was trained, so nothing is claimed."""
    signature = Signature((TensorSpec(INPUT, "float32", (PIXELS,)),), (TensorSpec(OUTPUT, "float32", (CLASSES,)),))
    return Manifest(
        model=MODEL,
        version=1,
        description="an untrained dense network, for measuring",
        features=(TensorFeature(name=INPUT, shape=(PIXELS,)),),
        outputs=Classification(labels=tuple(str(label) for label in range(CLASSES))),
        signatures={"serving_default": signature},
        metrics=Metrics(test={}, baseline={}),
        lineage=Lineage(source="none", sha256="", rows={}, seed=SEED),
        job_sha256="",
        frameworks={"keras": keras.__version__},
        created_at=datetime.now(UTC),
    )


if __name__ == "__main__":
    export(Path(sys.argv[1]), [int(width) for width in sys.argv[2:]])
