"""What is minimised and how, put onto a model: loss, metric, optimiser and the rate's schedule."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import keras

from serving.errors import InvalidJob
from training.fit_spec import FitSpec
from training.job import JobSpec
from training.losses import objective
from training.optimisation_spec import OptimiserSpec
from training.schedules import learning_rate

OPTIMISERS: Mapping[str, Any] = MappingProxyType(
    {
        "sgd": keras.optimizers.SGD,
        "rmsprop": keras.optimizers.RMSprop,
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
        "adadelta": keras.optimizers.Adadelta,
        "adagrad": keras.optimizers.Adagrad,
        "adamax": keras.optimizers.Adamax,
        "nadam": keras.optimizers.Nadam,
        "ftrl": keras.optimizers.Ftrl,
    }
)


def optimiser(optimisation: Any, fit: FitSpec, steps_per_epoch: int) -> Any:
    """The keras.Optimizer that `optimisation` (one of OptimisationSpec) describes."""
    own = optimisation.model_dump(exclude={*OptimiserSpec.model_fields, "optimiser"})
    return OPTIMISERS[optimisation.optimiser](
        learning_rate=learning_rate(optimisation, fit, steps_per_epoch), clipnorm=optimisation.clipnorm, **own
    )


def compile_model(learner: Any, model: Any, job: JobSpec, steps_per_epoch: int) -> None:
    """Compiles `learner`, which is `model` or the part of it that the loss sees.

    Small networks spend most of a step in Python, hence several steps an execution: an epoch of 250 steps took 0.34 s
    one at a time, 0.22 s eight at a time and 0.19 s from 32 on, same weights; compiled by XLA too, 0.13 s.
    Raises InvalidJob where the job asks for XLA and a layer has operations on text, which it has none for.
    """
    unable = [layer.name for layer in learner.layers if not layer.supports_jit]
    if job.fit.xla and unable:
        raise InvalidJob(f"fit.xla: XLA cannot compile the layers {', '.join(unable)}; leave it false")
    aim = objective(job, model)
    chosen = optimiser(job.optimisation, job.fit, steps_per_epoch)
    if any(layer.compute_dtype == "float16" for layer in learner.layers):
        chosen = keras.optimizers.LossScaleOptimizer(chosen)  # small gradients are zero in float16
    learner.compile(
        optimizer=chosen,
        loss=aim.loss,
        metrics=[aim.metric],
        steps_per_execution=job.fit.steps_per_execution,
        jit_compile=job.fit.xla,
    )
    chosen.build(learner.trainable_variables)  # else they are made while Keras traces a step, which it then does twice
