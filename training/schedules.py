"""The learning rate over a fit: Keras's schedules, in steps, made from a job's, which are in epochs."""

from typing import Any

import keras

from training.fit_spec import FitSpec
from training.optimisation_spec import OptimiserSpec
from training.schedule_spec import (
    CosineSpec,
    CyclicalSpec,
    ExponentialSpec,
    InverseTimeSpec,
    PlateauSpec,
    StepSpec,
)


class Triangles(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]  # keras has no types
    """From `lowest` up to `highest` in `half_cycle_steps`, down again in as many, and so on."""

    def __init__(self, lowest: float, highest: float, half_cycle_steps: int) -> None:
        super().__init__()
        self.lowest, self.highest, self.half_cycle_steps = lowest, highest, half_cycle_steps

    def __call__(self, step: Any) -> Any:
        halves = keras.ops.cast(step, "float32") / self.half_cycle_steps
        up = 1.0 - keras.ops.abs(halves % 2.0 - 1.0)
        return self.lowest + (self.highest - self.lowest) * up

    def get_config(self) -> dict[str, Any]:
        return {"lowest": self.lowest, "highest": self.highest, "half_cycle_steps": self.half_cycle_steps}


def learning_rate(optimisation: OptimiserSpec, fit: FitSpec, steps_per_epoch: int) -> Any:
    """What an optimiser takes as its rate: a number, or a schedule over its steps."""
    rate, spec = optimisation.learning_rate, optimisation.schedule
    known = keras.optimizers.schedules
    match spec:
        case InverseTimeSpec():
            return known.InverseTimeDecay(
                rate, spec.decay_epochs * steps_per_epoch, spec.decay_rate, staircase=spec.staircase
            )
        case ExponentialSpec():
            return known.ExponentialDecay(rate, spec.decay_epochs * steps_per_epoch, spec.decay_rate)
        case StepSpec():
            return known.ExponentialDecay(rate, spec.every_epochs * steps_per_epoch, spec.factor, staircase=True)
        case CosineSpec():
            return _cosine(rate, spec, fit, steps_per_epoch)
        case CyclicalSpec():
            return Triangles(rate, spec.highest, spec.half_cycle_epochs * steps_per_epoch)
        case _:  # none, or plateau, which a callback sees to
            return rate


def rate_callbacks(optimisation: OptimiserSpec, monitor: str) -> list[Any]:
    """What must hear of each epoch for the rate's sake; `monitor` is the loss that a plateau is one of."""
    spec = optimisation.schedule
    if not isinstance(spec, PlateauSpec):
        return []
    return [
        keras.callbacks.ReduceLROnPlateau(
            monitor=monitor,
            factor=spec.factor,
            patience=spec.patience_epochs,
            cooldown=spec.cooldown_epochs,
            min_lr=spec.lowest,
        )
    ]


def _cosine(rate: float, spec: CosineSpec, fit: FitSpec, steps_per_epoch: int) -> Any:
    decay_epochs = spec.decay_epochs or max(fit.epochs - spec.warmup_epochs, 1)
    decay_steps = decay_epochs * steps_per_epoch
    if not spec.warmup_epochs:
        return keras.optimizers.schedules.CosineDecay(rate, decay_steps, alpha=spec.floor)
    return keras.optimizers.schedules.CosineDecay(
        0.0, decay_steps, alpha=spec.floor, warmup_target=rate, warmup_steps=spec.warmup_epochs * steps_per_epoch
    )
