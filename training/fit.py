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
from training.epoch_figures import EpochFigures
from training.interruption import Interruption, deferred_interrupt
from training.job import JobSpec
from training.losses import METRICS, with_loss_targets
from training.networks.heads import learner
from training.optimisation import compile_model
from training.precision import mixed_policy, mixed_twin
from training.progress import EpochReport, Interrupted, StepReport, Tell
from training.schedules import rate_callbacks

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
        self.epoch, self.rate = epoch + 1, float(self.model.optimizer.learning_rate)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float]) -> None:
        self.tell(StepReport(self.epoch, batch + 1, self.params["steps"], logs["loss"]))
        if self.interruption.asked and not self.model.stop_training:
            self.model.stop_training = True
            self.tell(Interrupted(self.epoch))

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        self.interruption.worth_keeping = True  # before anybody hears of it
        logs["learning_rate"] = self.rate
        measured = logs.get(f"val_{self.metric}", logs[self.metric])
        self.tell(EpochReport(epoch + 1, logs["loss"], logs.get("val_loss"), self.metric, measured))


def fit(
    model: Any, train: Rows, validation: Rows, job: JobSpec, tell: Tell, *, tensorboard: Path | None = None
) -> Fitted:
    """Leaves `model` with the weights of its best epoch on `validation`; `tell` hears of steps and epochs. Where
    `validation` has no rows it fits every epoch and leaves the last one's weights.

    The fit begins at the weights that `model` has, so a second one goes on from the first. Event files for
    TensorBoard go under `tensorboard`. Ctrl-C ends it early, with the best weights so far; before the first epoch's
    end, and a second time, it is KeyboardInterrupt. Raises PublishError when the loss is never a number: there is
    nothing to publish.
    """
    fitted = mixed_twin(model, mixed_policy()) if job.fit.mixed_precision else model
    part = learner(fitted, job.optimisation, job.outputs.task)
    compile_model(part, fitted, job, math.ceil(len(train) / job.fit.batch_rows))
    patience = keras.callbacks.EarlyStopping(
        monitor="val_loss", patience=job.fit.patience_epochs, restore_best_weights=True
    )
    measured = len(validation) > 0
    with deferred_interrupt() as interruption:
        history = part.fit(
            with_loss_targets(training_batches(train, job.fit.batch_rows, job.fit.seed, augmentation(job)), job),
            validation_data=with_loss_targets(measuring_batches(validation, MEASURING_ROWS), job) if measured else None,
            epochs=job.fit.epochs,
            shuffle=False,  # the batches come shuffled
            class_weight=class_weights(job, train.target),
            callbacks=[
                *([patience] if measured else []),
                *rate_callbacks(job.optimisation, monitor_of(validation)),
                _Telling(tell, METRICS[job.outputs.task], interruption),  # after patience, which keeps the weights
                *([EpochFigures(tensorboard)] if tensorboard else []),
            ],
            verbose=0,
        )
    if not any(map(math.isfinite, history.history[monitor_of(validation)])):
        raise PublishError("the fit diverged: no epoch has a finite loss; lower optimisation.learning_rate")
    if fitted is not model:
        model.set_weights(fitted.get_weights())
    epochs = len(history.epoch)
    best = int(patience.best_epoch) + 1 if measured else epochs
    return Fitted(epochs, best, history.history, interruption.asked)


def monitor_of(validation: Rows) -> str:
    """Keras's name of the loss that tells a good epoch."""
    return "val_loss" if len(validation) else "loss"
