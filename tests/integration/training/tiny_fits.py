"""Two numbers, a line between two classes or a target across it, and a network of eight units that learns them."""

from typing import Any

import keras
import numpy as np

from training.data.dataset import Rows
from training.fit import Fitted, fit
from training.job import JobSpec, parse_job
from training.networks.build import build_model
from training.runtime import make_repeatable

EPOCHS = 8


def job(optimisation: dict[str, Any], task: str = "classification", **fitting: Any) -> JobSpec:
    outputs: dict[str, Any] = {"task": task}
    outputs |= {"labels": ["no", "yes"]} if task == "classification" else {"target": "price"}
    return parse_job(
        {
            "model": "tiny",
            "description": "two numbers",
            "data": {"source": "bundled", "name": "digits"},
            "split": {"validation": 0.2, "test": 0.1, "seed": 7},
            "features": [{"name": "a", "kind": "number"}, {"name": "b", "kind": "number"}],
            "outputs": outputs,
            "network": {"family": "mlp", "units": [8], "activation": "tanh", "dropout": 0.0},
            "optimisation": {"learning_rate": 0.03} | optimisation,
            "fit": {"epochs": EPOCHS, "batch_rows": 16, "patience_epochs": EPOCHS, "seed": 1, "steps_per_execution": 1}
            | fitting,
        },
        "tiny.toml",
    )


def separable(task: str = "classification", rows: int = 256, *, seed: int = 1) -> Rows:
    """Two classes on the sides of a line, or a target in the hundred thousands that grows across it."""
    random = np.random.default_rng(seed)
    a, b = random.normal(5, 2, rows).astype(np.float32), random.normal(-3, 1, rows).astype(np.float32)
    height = (a - 5) / 2 + b + 3
    if task == "regression":
        return Rows({"a": a, "b": b}, (300_000 + 50_000 * height).astype(np.float32))
    return Rows({"a": a, "b": b}, (height > 0).astype(np.int64))


def fitted(
    spec: JobSpec, tell: Any = lambda _: None, *, rows: int = 256, validation_rows: int = 256, **more: Any
) -> tuple[Any, Fitted]:
    train, validation = separable(spec.outputs.task, rows), separable(spec.outputs.task, validation_rows, seed=2)
    keras.utils.clear_session()
    make_repeatable(1, xla=spec.fit.xla)
    model = build_model(spec, train)
    return model, fit(model, train, validation, spec, tell, **more)
