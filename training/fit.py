"""Fitting: epochs until the validation loss stops falling, then back to the best weights."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from serving.errors import PublishError
from training.augmentation import augmentation
from training.batches import measuring_batches, training_batches
from training.class_weights import class_weights
from training.data.dataset import Rows
from training.distributed_fit import Work, fit_on_all
from training.epoch_figures import EpochFigures
from training.interruption import Interruption, deferred_interrupt
from training.job import JobSpec
from training.losses import METRICS, objective, with_loss_targets
from training.networks.heads import learner
from training.optimisation import compile_model
from training.precision import mixed_policy, mixed_twin
from training.progress import EpochReport, Interrupted, StepReport, Tell
from training.schedules import rate_callbacks
from training.workers import Workers, scope_of

MEASURING_ROWS = 256
"""Rows a step where nothing is learned: the figures do not depend on it, and small steps are slower."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """How many epochs ran (an interrupted one counts), and the one whose weights the model now has.

    `history` has one figure an epoch under Keras's names: `loss`, `val_loss`, the metric's and its `val_`, and
    `learning_rate`, that of the epoch's first step. `interrupted`: Ctrl-C ended it.
    """

    epochs: int
    best_epoch: int
    history: Mapping[str, Sequence[float]]
    interrupted: bool = False


class _Telling(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Reports steps and epochs, adds the learning rate to an epoch's figures, and stops when Ctrl-C asks for it."""

    def __init__(self, tell: Tell, metric: str, interruption: Interruption) -> None:
        super().__init__()
        self.tell, self.metric, self.interruption = tell, metric, interruption
        self.epoch, self.rate = 0, 0.0

    def on_epoch_begin(self, epoch: int, _logs: object = None) -> None:
        self.epoch, self.rate = epoch + 1, float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float]) -> None:
        steps = self.params["steps"]  # those of an execution are told together, and of the last as if it were full
        self.tell(StepReport(self.epoch, min(batch + 1, steps or batch + 1), steps, logs["loss"]))
        if self.interruption.asked and not self.model.stop_training:
            self.model.stop_training = True
            self.tell(Interrupted(self.epoch))

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        self.interruption.worth_keeping = True  # before anybody hears of it
        logs["learning_rate"] = self.rate
        measured = logs.get(f"val_{self.metric}", logs[self.metric])
        self.tell(EpochReport(epoch + 1, logs["loss"], logs.get("val_loss"), self.metric, measured))


def fit(
    model: Any,
    train: Rows,
    validation: Rows,
    job: JobSpec,
    tell: Tell,
    *,
    tensorboard: Path | None = None,
    workers: Workers | None = None,
) -> Fitted:
    """Leaves `model` with the weights of its best epoch on `validation`; `tell` hears of steps and epochs. Where
    `validation` has no rows it fits every epoch and leaves the last one's weights.

    The fit begins at the weights that `model` has, so a second one goes on from the first. With `workers`, all of
    them fit together. Event files for TensorBoard go under `tensorboard`. Ctrl-C ends it early, with the best weights
    so far; before the first epoch's end, and a second time, it is KeyboardInterrupt. Raises PublishError when the
    loss is never a number: there is nothing to publish.
    """
    with scope_of(workers):
        fitted = _twin(model, job) if job.fit.mixed_precision or workers else model
        part = learner(fitted, job.optimisation, job.outputs.task)
        compile_model(part, fitted, job, math.ceil(train.total / job.fit.batch_rows))
    patience = keras.callbacks.EarlyStopping(
        monitor="val_loss", patience=job.fit.patience_epochs, restore_best_weights=True
    )
    measured = validation.total > 0
    batches = with_loss_targets(training_batches(train, job.fit.batch_rows, job.fit.seed, augmentation(job)), job)
    measuring = with_loss_targets(measuring_batches(validation, MEASURING_ROWS), job) if measured else None
    weights = class_weights(job, train.target)
    with deferred_interrupt() as interruption:
        callbacks = [
            *([patience] if measured else []),
            *rate_callbacks(job.optimisation, monitor_of(validation)),
            _Telling(tell, METRICS[job.outputs.task], interruption),  # after patience, which keeps the weights
            *([EpochFigures(tensorboard)] if tensorboard else []),
        ]
        given: dict[str, Any] = {"epochs": job.fit.epochs, "callbacks": callbacks}
        if workers:
            work = Work.start(workers, part, objective(job, fitted).metric, weights)
            history = fit_on_all(work, batches, validation=measuring, **given)
        else:  # not shuffled: the batches come so
            history = part.fit(
                batches, validation_data=measuring, shuffle=False, class_weight=weights, verbose=0, **given
            ).history
    _refuse_diverged(history[monitor_of(validation)])
    if fitted is not model:
        model.set_weights(fitted.get_weights())
    epochs = len(history["loss"])
    best = int(patience.best_epoch) + 1 if measured else epochs
    return Fitted(epochs, best, history, interruption.asked)


def _refuse_diverged(losses: Sequence[float]) -> None:
    if not any(map(math.isfinite, losses)):
        raise PublishError("the fit diverged: no epoch has a finite loss; lower optimisation.learning_rate")


def _twin(model: Any, job: JobSpec) -> Any:
    # for workers too: variables of the strategy's own, so that the model that is measured and exported is a plain one
    return mixed_twin(model, mixed_policy() if job.fit.mixed_precision else "float32")


def monitor_of(validation: Rows) -> str:
    """Keras's name of the loss that tells a good epoch."""
    return "val_loss" if validation.total else "loss"
