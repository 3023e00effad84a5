"""Fitting: epochs until the validation loss stops falling, then back to the best weights."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from serving.errors import PublishError
from training.augmentation import augmentation
from training.batches import measuring_batches, training_batches
from training.data.dataset import Rows
from training.job import JobSpec
from training.optimisation import OBJECTIVES, compile_model
from training.progress import EpochReport, Tell

MEASURING_ROWS = 256
"""Rows a step where nothing is learned: the figures do not depend on it, and small steps are slower."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """How many epochs ran, and the one whose weights the model now has.

    `history` has one figure an epoch under Keras's names: `loss`, `val_loss`, the metric's and its `val_`.
    """

    epochs: int
    best_epoch: int
    history: Mapping[str, Sequence[float]]


def fit(model: Any, train: Rows, validation: Rows, job: JobSpec, tell: Tell) -> Fitted:
    """Leaves `model` with the weights of its best epoch on `validation`; `tell` hears of each epoch.

    Raises PublishError when the loss is never a number: there is nothing to publish.
    """
    compile_model(model, job)
    metric = OBJECTIVES[job.outputs.task].metric
    patience = keras.callbacks.EarlyStopping(
        monitor="val_loss", patience=job.fit.patience_epochs, restore_best_weights=True
    )
    history = model.fit(
        training_batches(train, job.fit.batch_rows, job.fit.seed, augmentation(job)),
        validation_data=measuring_batches(validation, MEASURING_ROWS),
        epochs=job.fit.epochs,
        shuffle=False,  # the batches come shuffled
        callbacks=[
            patience,
            keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: tell(_report(epoch, logs, metric))),
        ],
        verbose=0,
    )
    if not any(map(math.isfinite, history.history["val_loss"])):
        raise PublishError("the fit diverged: no epoch has a finite validation loss; lower optimisation.learning_rate")
    return Fitted(epochs=len(history.epoch), best_epoch=int(patience.best_epoch) + 1, history=history.history)


def _report(epoch: int, logs: Mapping[str, float], metric: str) -> EpochReport:
    return EpochReport(
        epoch=epoch + 1,
        loss=logs["loss"],
        validation_loss=logs["val_loss"],
        metric=metric,
        validation_metric=logs[f"val_{metric}"],
    )
