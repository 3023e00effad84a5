"""Runs by itself, because it loads TensorFlow: fits tiny models in every way a job file may ask for and prints as JSON
what came of each. Tracing costs more than the steps: what says nothing of validation has none, and steps run singly.
"""

import gc
import inspect
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from serving.contract.model_directory import VersionPaths
from serving.errors import InvalidJob
from tests.integration.training.tiny_fits import fitted, job, separable
from training.batches import training_batches
from training.data.dataset import Rows
from training.export import OUTPUT_NAMES, export_saved_model
from training.exported import Exported
from training.fit import fit
from training.networks.build import build_model
from training.optimisation import OPTIMISERS, compile_model, optimiser
from training.optimisation_spec import OPTIMISER_TABLES, OptimiserSpec
from training.precision import mixed_policy, mixed_twin
from training.progress import EpochReport, Report, StepReport
from training.runtime import make_repeatable

RATE = 0.01

SCHEDULES: dict[str, dict[str, Any]] = {
    "inverse_time": {"decay_rate": 0.5, "decay_epochs": 2},
    "inverse_time in jumps": {"decay_rate": 0.5, "decay_epochs": 2, "staircase": True},
    "exponential": {"decay_rate": 0.5, "decay_epochs": 3},
    "step": {"factor": 0.1, "every_epochs": 3},
    "cosine": {"floor": 0.1},
    "cosine after a warm-up": {"warmup_epochs": 2, "decay_epochs": 5},
    "cyclical": {"highest": 0.04, "half_cycle_epochs": 2},
}
LOSSES: dict[str, dict[str, Any]] = {
    "default": {},
    "sparse of logits": {"from_logits": True},
    "one-hot": {"loss": "categorical_crossentropy", "label_smoothing": 0.1},
    "one-hot of logits": {"loss": "categorical_crossentropy", "from_logits": True},
    "sigmoid": {"loss": "binary_crossentropy", "label_smoothing": 0.1},
    "sigmoid of a logit": {"loss": "binary_crossentropy", "from_logits": True},
}
VALUE_LOSSES: dict[str, dict[str, Any]] = {
    "default": {},
    "absolute": {"loss": "mean_absolute_error"},
    "huber": {"loss": "huber", "huber_delta": 0.5},
}


def unlike_keras(name: str) -> list[str]:
    """The keys whose default is not Keras's."""
    keras_own = inspect.signature(OPTIMISERS[name].__init__).parameters
    own = set(OPTIMISER_TABLES[name].model_fields) - set(OptimiserSpec.model_fields) - {"optimiser"}
    return [key for key in own if OPTIMISER_TABLES[name].model_fields[key].default != keras_own[key].default]


def optimisers() -> dict[str, Any]:
    found = {}
    for name in OPTIMISER_TABLES:
        spec = job({"optimiser": name, "clipnorm": 1.0}, epochs=2)
        _, result = fitted(spec, validation_rows=0)
        built = optimiser(spec.optimisation, spec.fit, 16)
        losses = result.history["loss"]
        found[name] = {
            "class": type(built).__name__,
            "falls": losses[1] < losses[0],
            "unlike": unlike_keras(name),
            "clipnorm": built.clipnorm,
        }
    return found


def own_keys() -> dict[str, Any]:
    spec = job({"optimiser": "sgd", "momentum": 0.9, "nesterov": True})
    built = optimiser(spec.optimisation, spec.fit, 16)
    return {"momentum": built.momentum, "nesterov": built.nesterov}


def rates() -> dict[str, Any]:
    def told(optimisation: dict[str, Any]) -> Any:
        spec = job({"learning_rate": RATE} | optimisation)
        return fitted(spec, rows=32, validation_rows=0)[1].history["learning_rate"]

    schedules = {name: {"kind": name.split(" ", maxsplit=1)[0], **keys} for name, keys in SCHEDULES.items()}
    return {"constant": told({})} | {name: told({"schedule": schedule}) for name, schedule in schedules.items()}


def plateau() -> dict[str, Any]:
    """A rate so low that no weight moves."""
    schedule = {"kind": "plateau", "factor": 0.1, "patience_epochs": 2, "lowest": 1e-14}
    spec = job({"optimiser": "sgd", "learning_rate": 1e-12, "schedule": schedule}, epochs=9, patience_epochs=10)
    _, result = fitted(spec, rows=32)
    return {"rates": result.history["learning_rate"]}


def answers(optimisation: dict[str, Any], task: str) -> dict[str, Any]:
    spec = job(optimisation, task, epochs=20)
    model, result = fitted(spec, validation_rows=0)
    unseen = separable(task, seed=3)
    given = model.predict(dict(unseen.inputs), verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        staged = VersionPaths(Path(folder))
        export_saved_model(model, spec, staged)
        served = np.asarray(Exported.load(staged).answer(unseen.inputs, OUTPUT_NAMES[task]))
    away = float(np.abs(served - given).max() / np.abs(given).max())
    found = {"shape": list(served.shape), "served_as_keras": away, "loss": result.history["loss"][0]}
    if task == "regression":
        return found | {"off": float(np.abs(served[:, 0] - unseen.target).mean())}
    sums = np.abs(served.sum(axis=1) - 1).max()
    return found | {"right": float((served.argmax(axis=1) == unseen.target).mean()), "sums": float(sums)}


def rare_class() -> dict[str, Any]:
    """Recall of a class of one row in ten that overlaps the other, by weights."""
    random = np.random.default_rng(1)
    target = (np.arange(600) % 10 == 0).astype(np.int64)
    a, b = random.normal(target, 1).astype(np.float32), random.normal(target, 1).astype(np.float32)
    rows = Rows({"a": a, "b": b}, target)
    found: dict[str, list[float]] = {}
    for loss in ("default", "one-hot", "sigmoid"):
        for weights in (None, "balanced", {"yes": 9.0}) if loss == "default" else (None, "balanced"):
            spec = job(LOSSES[loss], class_weights=weights)
            make_repeatable(1)
            model = build_model(spec, rows)
            fit(model, rows, separable(rows=0), spec, lambda _: None)
            picked = model.predict(dict(rows.inputs), verbose=0).argmax(axis=1)
            found.setdefault(loss, []).append(float(picked[target == 1].mean()))
    return {"recall": found}


def interrupted(at: int) -> dict[str, Any]:
    told: list[Report] = []  # of Ctrl-C in the first step of epoch `at`

    def tell(report: Report) -> None:
        told.append(report)
        if isinstance(report, StepReport) and report.epoch == at:
            os.kill(os.getpid(), signal.SIGINT)

    try:
        model, result = fitted(job({}), tell)
    except KeyboardInterrupt:
        return {"ended": True, "default_again": signal.getsignal(signal.SIGINT) is signal.default_int_handler}
    validation = separable(seed=2)
    right = np.asarray(model(dict(validation.inputs))).argmax(axis=1) == validation.target
    best = [report for report in told if isinstance(report, EpochReport)][result.best_epoch - 1]
    return {
        "epochs": result.epochs,
        "interrupted": result.interrupted,
        "steps": sum(isinstance(report, StepReport) for report in told),
        "told": [str(report) for report in told if not isinstance(report, StepReport | EpochReport)],
        "accuracy_is_the_best_epochs": bool(np.isclose(right.mean(), best.validation_metric)),
        "default_again": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
    }


def steps_told() -> list[tuple[int, int | None]]:
    """Of an epoch of 16 steps, 12 at once: the second execution is a third as long as the first."""
    told: list[Report] = []
    fitted(job({}, epochs=1, steps_per_execution=12), told.append)
    return [(report.step, report.steps) for report in told if isinstance(report, StepReport)]


def events() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        _, result = fitted(job({}, epochs=2), tensorboard=Path(folder))
        found: dict[str, Any] = {"history": {name: list(values) for name, values in result.history.items()}}
        for part in ("train", "validation"):
            (file,) = (Path(folder) / part).iterdir()
            found[part] = [
                [event.step, value.tag, float(tf.make_ndarray(value.tensor)), value.metadata.plugin_data.plugin_name]
                for record in tf.data.TFRecordDataset(str(file))
                for event in [tf.compat.v1.Event.FromString(record.numpy())]
                for value in event.summary.value
            ]
    return found


def compiled() -> dict[str, Any]:
    """Before anything else here: XLA needs a process in which determinism was never asked for."""
    spec = job({}, xla=True, steps_per_execution=32)
    (model, result), (again, _) = fitted(spec), fitted(spec)
    same = all(map(np.array_equal, model.get_weights(), again.get_weights()))
    return {"same_weights": same, "accuracy": result.history["val_accuracy"][-1]}


def halved() -> dict[str, Any]:
    spec = job({"loss": "binary_crossentropy", "from_logits": True}, mixed_precision=True, steps_per_execution=32)
    model, result = fitted(spec)
    unseen = separable(seed=3)
    twin = mixed_twin(model, mixed_policy())
    answer, theirs = (np.asarray(one(dict(unseen.inputs))) for one in (model, twin))
    return {
        "model": sorted({layer.compute_dtype for layer in model.layers}),
        "twin": {
            layer.name.split("_")[0]: layer.compute_dtype
            for layer in twin.layers
            if layer.weights or layer.name.startswith("normalise")
        },
        "answer": str(answer.dtype),
        "accuracy": float((answer.argmax(axis=1) == unseen.target).mean()),
        "apart": float(np.abs(answer - theirs).max()),
        "history": result.history["val_accuracy"][-1],
    }


def in_float16() -> dict[str, Any]:
    """What a GPU would be given: float16, in which small gradients vanish unless the loss is scaled."""
    spec, rows = job({}, mixed_precision=True), separable()
    make_repeatable(1)
    twin = mixed_twin(build_model(spec, rows), "mixed_float16")
    compile_model(twin, twin, spec, 16)
    history = twin.fit(training_batches(rows, 16, 1), epochs=3, shuffle=False, verbose=0)
    return {"optimiser": type(twin.optimizer).__name__, "losses": history.history["loss"]}


def second_fit() -> list[float]:
    """Losses of a fit of one epoch and of another from where it ended."""
    spec = job({}, epochs=1)
    model, first = fitted(spec)
    second = fit(model, separable(), separable(seed=2), spec, lambda _: None)
    return [*first.history["loss"], *second.history["loss"]]


def compiled_text() -> str:
    words = keras.Input((1,), dtype="string", name="word")
    answer = keras.layers.StringLookup(vocabulary=["a", "b"], output_mode="one_hot", name="lookup")(words)
    model = keras.Model({"word": words}, keras.layers.Dense(2, activation="softmax")(answer))
    try:
        compile_model(model, model, job({}, xla=True), 16)
    except InvalidJob as error:
        return str(error)
    return ""


def main() -> None:
    gc.freeze()  # the modules; keras.utils.clear_session would look through them before each fit
    found: dict[str, Any] = {
        "compiled": compiled(),
        "optimisers": optimisers(),
        "own_keys": own_keys(),
        "rates": rates(),
        "plateau": plateau(),
        "classification": {name: answers(keys, "classification") for name, keys in LOSSES.items()},
        "regression": {name: answers(keys, "regression") for name, keys in VALUE_LOSSES.items()},
        "rare_class": rare_class(),
        "interrupted": {"first": interrupted(1), "third": interrupted(3)},
        "steps_told": steps_told(),
        "events": events(),
        "halved": halved(),
        "float16": in_float16(),
        "second_fit": second_fit(),
        "compiled_text": compiled_text(),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
