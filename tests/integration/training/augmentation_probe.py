"""Runs by itself, because it loads TensorFlow: `augmentation_probe.py FOLDER` augments batches, fits and exports a
small network into FOLDER, and prints as JSON what became of images, and which operations the exported file holds.
"""

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from rich.console import Console
from tensorflow.core.protobuf import saved_model_pb2

from serving.contract.model_directory import VersionPaths
from training.augmentation import augmentation
from training.batches import measuring_batches, training_batches
from training.data.dataset import Rows
from training.export import export_saved_model
from training.fit import fit
from training.job import JobSpec, parse_job
from training.networks.build import build_model
from training.progress import progress
from training.runtime import make_repeatable

RANDOM = np.random.default_rng(1)
ROWS = Rows(
    {
        "grey": RANDOM.uniform(0, 16, (40, 8, 6)).astype(np.float32),
        "colour": RANDOM.uniform(0, 1, (40, 5, 7, 3)).astype(np.float32),
        "number": np.arange(40, dtype=np.float32),
    },
    np.arange(40) % 2,
)
EVERYTHING = {
    "rotation_degrees": 20,
    "shift": 0.1,
    "crop": 0.9,
    "zoom": 0.1,
    "shear": 0.1,
    "horizontal_flip": True,
    "vertical_flip": True,
    "white_noise": 0.05,
    "salt_and_pepper": 0.05,
}


def job(augmented: dict[str, Any]) -> JobSpec:
    content = {
        "model": "pictures",
        "description": "a grey image, a colour image and a number",
        "data": {"source": "bundled", "name": "digits"},
        "split": {"validation": 0.2, "test": 0.1, "seed": 7},
        "features": [
            {"name": "grey", "kind": "image", "shape": [8, 6], "range": [0, 16]},
            {"name": "colour", "kind": "image", "shape": [5, 7, 3], "range": [0, 1]},
            {"name": "number", "kind": "number"},
        ],
        "outputs": {"task": "classification", "labels": ["even", "odd"]},
        "network": {"family": "cnn", "filters": [2], "units": [], "activation": "relu", "dropout": 0.0},
        "optimisation": {"learning_rate": 0.001},
        "fit": {"epochs": 1, "batch_rows": 8, "patience_epochs": 1, "seed": 1},
        "augmentation": augmented,
    }
    return parse_job(content, "pictures.toml")


def varied(augmented: dict[str, Any], **images: Any) -> dict[str, Any]:
    augment = augmentation(job(augmented))
    assert augment is not None
    inputs = {name: tf.constant(images.get(name, column)) for name, column in ROWS.inputs.items()}
    return {name: value.numpy() for name, value in augment(inputs, tf.constant([3, 4], tf.int64)).items()}


def two_epochs(seed: int) -> list[list[Any]]:
    make_repeatable(seed)
    batches = training_batches(ROWS, 8, seed, augmentation(job(EVERYTHING)))
    return [[(inputs, target) for inputs, target in batches.as_numpy_iterator()] for _ in range(2)]


def flat(epoch: list[Any]) -> bytes:
    return b"".join(inputs[name].tobytes() for inputs, _ in epoch for name in ("grey", "colour"))


def exported_operations(folder: Path) -> list[str]:
    chosen = job(EVERYTHING)
    model = build_model(chosen, ROWS)
    with progress(Console(file=io.StringIO()), 1) as tell:
        fit(model, ROWS, ROWS, chosen, tell)
    export_saved_model(model, chosen, VersionPaths(folder))
    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    graph = saved.meta_graphs[0].graph_def
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    return sorted({node.op for node in nodes})


def drawn_operations() -> list[str]:
    """What a graph would hold if the augmentation were part of it: that the words looked for are the right ones."""
    augment = augmentation(job(EVERYTHING))
    assert augment is not None
    specs = {name: tf.TensorSpec((None, *column.shape[1:]), tf.float32) for name, column in ROWS.inputs.items()}
    graph = tf.function(augment).get_concrete_function(specs, tf.TensorSpec((2,), tf.int64)).graph.as_graph_def()
    return sorted({node.op for node in graph.node})


def main(folder: Path) -> None:
    first, again, other = two_epochs(1), two_epochs(1), two_epochs(2)
    measured = next(inputs for inputs, _ in measuring_batches(ROWS, 40).as_numpy_iterator())
    mid = {"grey": np.full((40, 8, 6), 8, np.float32), "colour": np.full((40, 5, 7, 3), 0.5, np.float32)}
    mirrored = varied({"horizontal_flip": True})["grey"]
    upside_down = varied({"vertical_flip": True})["grey"]
    salted, noisy = varied({"salt_and_pepper": 0.5}, **mid), varied({"white_noise": 0.1}, **mid)
    turned = varied({"rotation_degrees": 45, "fill_value": 8.0}, **mid)["grey"]
    grey = ROWS.inputs["grey"]
    found = {
        "same seed": [flat(epoch) for epoch in first] == [flat(epoch) for epoch in again],
        "epochs differ": flat(first[0]) != flat(first[1]),
        "seeds differ": flat(first[0]) != flat(other[0]),
        "inputs": {name: [list(value.shape), str(value.dtype)] for name, value in first[0][0][0].items()},
        "pairs": all((inputs["number"] % 2 == target).all() for inputs, target in first[0]),
        "measured": {name: bool((measured[name] == column).all()) for name, column in ROWS.inputs.items()},
        "nothing asked": {name: bool((value == ROWS.inputs[name]).all()) for name, value in varied({}).items()},
        "mirrored": [bool((row == old[:, ::-1]).all()) for row, old in zip(mirrored, grey, strict=True)].count(True),
        "as they were": [bool((row == old).all()) for row, old in zip(mirrored, grey, strict=True)].count(True),
        "upside down": [bool((row == old[::-1]).all()) for row, old in zip(upside_down, grey, strict=True)].count(True),
        "salt": float((salted["grey"] == 16).mean()),
        "pepper": float((salted["grey"] == 0).mean()),
        "salt is white": bool((np.ptp(salted["colour"], axis=-1) == 0).all()),
        "noise": float(noisy["grey"].std()),
        "filled": float(np.abs(turned - 8).max()),
        "cropped away": float(varied({"crop": 0.5, "fill_value": 99.0})["grey"].max()),
        "limits": [float(f([batch[0]["grey"] for batch in first[0]])) for f in (np.min, np.max)],
        "drawn": drawn_operations(),
        "exported": exported_operations(folder),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
