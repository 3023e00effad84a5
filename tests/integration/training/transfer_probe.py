"""Runs by itself, because it loads TensorFlow: `transfer_probe.py FOLDER` fits networks on reused layers in FOLDER and
prints as JSON what moved in which phase, and how a backbone that cannot be had is refused.
"""

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

from serving.contract.model_directory import model_paths
from serving.errors import InvalidJob
from training.data.dataset import Rows
from training.job import JobSpec, parse_job
from training.networks.build import build_model
from training.networks.transfer import BACKBONE, kept_keras_model
from training.phases import fit_in_phases
from training.progress import EpochReport, Report

RANDOM = np.random.default_rng(1)


def job(network: dict[str, Any], side: int, **others: Any) -> JobSpec:
    content = {
        "model": "mine",
        "description": "a grey image",
        "data": {"source": "bundled", "name": "digits"},
        "split": {"validation": 0.2, "test": 0.1, "seed": 7},
        "features": [{"name": "image", "kind": "image", "shape": [side, side], "decoding": {"scale": 0.5}}],
        "outputs": {"task": "classification", "labels": ["a", "b"]},
        "network": {"units": [], "activation": "relu", "dropout": 0.0} | network,
        "optimisation": {"learning_rate": 0.01},
        "fit": {"epochs": 3, "batch_rows": 8, "patience_epochs": 9, "seed": 1},
    }
    return parse_job(content | others, "mine.toml")


def transfer(side: int = 8, /, fine_tune_layers: int | None = None, **backbone: Any) -> JobSpec:
    phases = {"frozen_epochs": 2, "fine_tune_learning_rate": 0.001, "fine_tune_layers": fine_tune_layers}
    return job({"family": "transfer", "backbone": backbone} | phases, side)


def rows(side: int = 8) -> Rows:
    images = RANDOM.uniform(0, 127.5, (32, side, side)).astype(np.float32)
    return Rows({"image": images}, np.arange(32) % 2)


def refusal(chosen: JobSpec, models: Path, side: int = 8) -> str:
    try:
        build_model(chosen, rows(side), models)
    except InvalidJob as error:
        return str(error)
    return ""


def values(backbone: Any) -> list[Any]:
    return [weight.numpy() for weight in backbone.weights]


def moved(chosen: JobSpec, models: Path) -> dict[str, Any]:
    """Which of the backbone's weights differ after the fit, by name, and what the fit said of its epochs."""
    model, train, told = build_model(chosen, rows(), models), rows(), list[Report]()
    backbone = model.get_layer(BACKBONE)
    before = values(backbone)
    fitted = fit_in_phases(model, train, train, chosen, told.append)
    changed = [
        weight.path.split("/")[-2].rstrip("_0123456789") + "/" + weight.name
        for weight, old in zip(backbone.weights, before, strict=True)
        if not np.array_equal(weight.numpy(), old)
    ]
    last = model.evaluate(train.inputs, train.target, verbose=0, return_dict=True)["loss"]
    return {
        "changed": sorted(changed),
        "epochs": fitted.epochs,
        "told": [report.epoch for report in told if isinstance(report, EpochReport)],
        "history": len(fitted.history["val_loss"]),
        "kept the best": abs(last - fitted.history["val_loss"][fitted.best_epoch - 1]) < 1e-5,
        "best is lowest": fitted.best_epoch == int(np.argmin(fitted.history["val_loss"])) + 1,
    }


def publish_something(models: Path) -> None:
    """Version 1 of `theirs` keeps its Keras model, version 2 keeps none."""
    theirs = job({"family": "cnn", "filters": [4], "units": [6], "batch_normalisation": True}, 8)
    for number in (1, 2):
        model_paths(models, "theirs").version(number).extra.mkdir(parents=True)
        for name in ("saved_model.pb", "assets.extra/manifest.json"):
            (model_paths(models, "theirs").version(number).root / name).touch()
    model = build_model(theirs, rows())
    model.save(kept_keras_model(model_paths(models, "theirs").version(1)))


def application(folder: Path) -> dict[str, Any]:
    weights = str(folder / "mine.weights.h5")
    keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3)).save_weights(weights)
    random = build_model(transfer(32, application="MobileNetV2", weights="none"), rows(32))
    read = [
        values(build_model(transfer(32, application="MobileNetV2", weights=weights), rows(32)).get_layer(BACKBONE))
        for _ in range(2)
    ]
    white = np.full((1, 32, 32), 127.5, np.float32)  # in the feature's units, half of an 8-bit pixel's
    scaled = keras.Model(random.input, random.layers[-3].output)
    return {
        "same from the file": all(np.array_equal(*pair) for pair in zip(*read, strict=True)),
        "random otherwise": not np.array_equal(values(random.get_layer(BACKBONE))[0], read[0][0]),
        "white": sorted(set(np.unique(np.asarray(scaled({"image": white}))).tolist())),
    }


def main(folder: Path) -> None:
    publish_something(folder)
    found = {
        "all": moved(transfer(published="theirs", version=1), folder),
        "last": moved(transfer(fine_tune_layers=1, published="theirs", version=1), folder),
        "frozen": moved(
            transfer(published="theirs", version=1).model_copy(
                update={"fit": transfer(published="theirs").fit.model_copy(update={"epochs": 2})}
            ),
            folder,
        ),
        "application": application(folder),
        "refusals": {
            "unpublished": refusal(transfer(published="absent"), folder),
            "no such version": refusal(transfer(published="theirs", version=7), folder),
            "none kept": refusal(transfer(published="theirs"), folder),
            "another shape": refusal(transfer(9, published="theirs", version=1), folder, 9),
            "no application": refusal(transfer(application="MobileNetV9"), folder),
            "no weights": refusal(transfer(32, application="MobileNetV2", weights="absent.h5"), folder, 32),
        },
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
