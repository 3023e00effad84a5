"""Fitting: epochs until the validation loss stops falling, then back to the best weights."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from serving.errors import PublishError
from training.batches import measuring_batches, training_batches
from training.data.dataset import Rows
from training.distributed_fit import fit_on_all
from training.job import JobSpec
from training.networks.build import build_model
from training.optimisation import OBJECTIVES, compile_model, measure
from training.progress import EpochReport, Tell
from training.workers import Workers

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


def fit(
    model: Any, train: Rows, validation: Rows, job: JobSpec, tell: Tell, *, workers: Workers | None = None
) -> Fitted:
    """Leaves `model` with the weights of its best epoch on `validation`; `tell` hears of each epoch.

    With `workers` a twin of `model` is fitted on all of them. Raises PublishError when the loss is never a number:
    there is nothing to publish.
    """
    metric = OBJECTIVES[job.outputs.task].metric
    patience = keras.callbacks.EarlyStopping(
        monitor="val_loss", patience=job.fit.patience_epochs, restore_best_weights=True
    )
    callbacks = [
        patience,
        keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: tell(_report(epoch, logs, metric))),
    ]
    batches = training_batches(train, job.fit.batch_rows, job.fit.seed)
    measuring = measuring_batches(validation, MEASURING_ROWS)
    if workers:
        # a twin of the strategy's own, so that the model that is measured and exported is a plain one
        with workers.strategy.scope():
            twin = build_model(job, train)
            compile_model(twin, job)
        twin.set_weights(model.get_weights())
        history = fit_on_all(
            workers,
            twin,
            batches,
            validation=measuring,
            metric=measure(job),
            epochs=job.fit.epochs,
            callbacks=callbacks,
        )
        model.set_weights(twin.get_weights())
    else:
        compile_model(model, job)
        history = model.fit(
            batches,
            validation_data=measuring,
            epochs=job.fit.epochs,
            shuffle=False,  # the batches come shuffled
            callbacks=callbacks,
            verbose=0,
        ).history
    if not any(map(math.isfinite, history["val_loss"])):
        raise PublishError("the fit diverged: no epoch has a finite validation loss; lower optimisation.learning_rate")
    return Fitted(epochs=len(history["loss"]), best_epoch=int(patience.best_epoch) + 1, history=history)


def _report(epoch: int, logs: Mapping[str, float], metric: str) -> EpochReport:
    return EpochReport(
        epoch=epoch + 1,
        loss=logs["loss"],
        validation_loss=logs["val_loss"],
        metric=metric,
        validation_metric=logs[f"val_{metric}"],
    )
