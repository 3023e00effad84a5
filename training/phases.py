"""Fitting in phases: one for most networks; for a reused one, first the new head alone, then the whole more slowly."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from training.data.dataset import Rows
from training.fit import Fitted, fit
from training.job import JobSpec
from training.networks.spec import TransferSpec
from training.networks.transfer import BACKBONE
from training.progress import Report, Tell


def fit_in_phases(
    model: Any, train: Rows, validation: Rows, job: JobSpec, tell: Tell, *, tensorboard: Path | None = None
) -> Fitted:
    """As `fit`: epochs are counted across the phases, and the best weights are those of the best epoch of all.

    Fine-tuning has the epochs of `fit.epochs` that the frozen phase leaves.
    """
    spec = job.network
    if not isinstance(spec, TransferSpec):
        return fit(model, train, validation, job, tell, tensorboard=tensorboard)
    backbone = model.get_layer(BACKBONE)
    backbone.trainable = False
    first = min(spec.frozen_epochs, job.fit.epochs)
    head = fit(model, train, validation, _with(job, first), tell, tensorboard=tensorboard)
    left = job.fit.epochs - first
    if not left or head.interrupted:
        return head
    kept = [(weight, weight.numpy()) for weight in model.weights]
    _thaw(backbone, spec.fine_tune_layers)
    slower = _with(job, left, {"learning_rate": spec.fine_tune_learning_rate, "schedule": None})

    def tell_later(told: Report) -> None:
        tell(replace(told, epoch=told.epoch + head.epochs))

    tuned = fit(model, train, validation, slower, tell_later, tensorboard=tensorboard)
    if _best_loss(tuned) >= _best_loss(head):
        for weight, value in kept:
            weight.assign(value)
    return joined(head, tuned)


def joined(head: Fitted, tuned: Fitted) -> Fitted:
    """The two phases as one fit."""
    better = _best_loss(tuned) < _best_loss(head)
    return Fitted(
        epochs=head.epochs + tuned.epochs,
        best_epoch=head.epochs + tuned.best_epoch if better else head.best_epoch,
        history={name: [*figures, *tuned.history[name]] for name, figures in head.history.items()},
        interrupted=tuned.interrupted,
    )


def _best_loss(fitted: Fitted) -> float:
    losses: Sequence[float] = fitted.history.get("val_loss", fitted.history["loss"])
    return losses[fitted.best_epoch - 1]


def _with(job: JobSpec, epochs: int, optimisation: Mapping[str, object] | None = None) -> JobSpec:
    return job.model_copy(
        update={
            "fit": job.fit.model_copy(update={"epochs": epochs}),
            "optimisation": job.optimisation.model_copy(update=optimisation),
        }
    )


def _thaw(backbone: Any, layers: int | None) -> None:
    """Batch normalisation stays frozen, which keeps it on the means it has: following those of the new rows would undo
    what the layers behind it have learned. `training=False` in the call does not: Keras's fit overrides it.
    """
    backbone.trainable = True
    learned = [layer for layer in _flat(backbone) if layer.trainable_weights]
    normalising = [layer for layer in learned if isinstance(layer, keras.layers.BatchNormalization)]
    others = [layer for layer in learned if layer not in normalising]
    for layer in (*normalising, *others[: -layers if layers else 0]):
        layer.trainable = False


def _flat(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _flat(layer)
        else:
            yield layer
