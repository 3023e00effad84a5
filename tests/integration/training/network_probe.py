"""Runs by itself, because it loads TensorFlow: builds an untrained model of an image and two numbers and prints as
JSON how it treats its training rows, and what it says of a feature that never varies.
"""

import json
import sys

import keras
import numpy as np

from serving.errors import InvalidInput
from training.data.dataset import Rows
from training.job import parse_job
from training.networks.build import build_model

JOB = parse_job(
    {
        "model": "mixed",
        "description": "an image and two numbers",
        "data": {"source": "bundled", "name": "digits"},
        "split": {"validation": 0.2, "test": 0.1, "seed": 7},
        "features": [
            {"name": "age", "kind": "number"},
            {"name": "image", "kind": "image", "shape": [2, 3]},
            {"name": "bmi", "kind": "number"},
        ],
        "outputs": {"task": "regression", "target": "progression"},
        "network": {"family": "mlp", "units": [8], "activation": "relu", "dropout": 0.0},
        "optimisation": {"learning_rate": 0.001},
        "fit": {"epochs": 1, "batch_rows": 4, "patience_epochs": 1, "seed": 1},
    },
    "mixed.toml",
)


def training_rows(rows: int = 200) -> Rows:
    random = np.random.default_rng(1)
    inputs = {
        "age": random.normal(50, 10, rows).astype(np.float32),
        "image": random.uniform(0, 16, (rows, 2, 3)).astype(np.float32),
        "bmi": random.normal(25, 3, rows).astype(np.float32),
    }
    return Rows(inputs, random.normal(150, 70, rows).astype(np.float32))


def main() -> None:
    keras.utils.set_random_seed(1)  # an untrained network answers anything, now and then far from the mean
    rows = training_rows()
    model = build_model(JOB, rows)
    normalising = [model.get_layer("normalise_numbers"), model.get_layer("normalise_image")]
    inside = keras.Model(model.inputs, [layer.output for layer in normalising])
    numbers, pixels = (np.asarray(tensor) for tensor in inside(dict(rows.inputs)))
    try:
        build_model(JOB, Rows({**rows.inputs, "bmi": np.full(len(rows), 25, np.float32)}, rows.target))
    except InvalidInput as error:
        refusal = str(error)
    found = {
        "inputs": {name: list(tensor.shape) for name, tensor in model.input.items()},
        "output": list(model.output.shape),
        "numbers": {"mean": numbers.mean(axis=0).tolist(), "deviation": numbers.std(axis=0).tolist()},
        "pixels": {"mean": float(pixels.mean()), "deviation": float(pixels.std())},
        "answers_mean": float(np.mean(model(dict(rows.inputs)))),
        "refusal": refusal,
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
