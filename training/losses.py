"""What is minimised: a job's loss as Keras has it, the targets it compares with, and the metric shown beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import keras
import tensorflow as tf

from serving.contract.manifest import Classification
from training.job import JobSpec
from training.networks.heads import deviation_of
from training.optimisation_spec import loss_of

METRICS: Mapping[str, str] = MappingProxyType({"classification": "accuracy", "regression": "mae"})
"""By task, what people read beside the losses while fitting; `mae` is in the target's unit."""


@dataclass(frozen=True, slots=True)
class Objective:
    """A Keras loss and metric. The loss is of the part of the model that `heads.learner` gives."""

    loss: Any
    metric: Any


class InDeviations(keras.losses.Loss):  # type: ignore[misc]  # keras has no types
    """`loss` of target and answer in standard deviations of the training target, where the model answers in its unit.

    The mean needs no subtraction: these losses are of the difference.
    """

    def __init__(self, loss: Any, deviation: float) -> None:
        super().__init__(name=loss.name)
        self.loss, self.deviation = loss, deviation

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.loss.call(keras.ops.cast(y_true, y_pred.dtype) / self.deviation, y_pred / self.deviation)


def objective(job: JobSpec, model: Any) -> Objective:
    """What `model`, as heads.py ends it, is fitted by."""
    spec, metric = job.optimisation, METRICS[job.outputs.task]
    logits, smoothing = spec.from_logits, spec.label_smoothing
    match loss_of(spec, job.outputs.task):
        case "sparse_categorical_crossentropy":
            return Objective(
                keras.losses.SparseCategoricalCrossentropy(from_logits=logits),
                keras.metrics.SparseCategoricalAccuracy(name=metric),
            )
        case "categorical_crossentropy":
            return Objective(
                keras.losses.CategoricalCrossentropy(from_logits=logits, label_smoothing=smoothing),
                keras.metrics.CategoricalAccuracy(name=metric),
            )
        case "binary_crossentropy":
            return Objective(
                keras.losses.BinaryCrossentropy(from_logits=logits, label_smoothing=smoothing),
                keras.metrics.BinaryAccuracy(name=metric, threshold=0.0 if logits else 0.5),
            )
        case "mean_squared_error":
            loss = keras.losses.MeanSquaredError()
        case "mean_absolute_error":
            loss = keras.losses.MeanAbsoluteError()
        case "huber":
            loss = keras.losses.Huber(delta=spec.huber_delta or 1.0)
    return Objective(InDeviations(loss, deviation_of(model)), keras.metrics.MeanAbsoluteError(name=metric))


def with_loss_targets(batches: Any, job: JobSpec) -> Any:
    """A tf.data.Dataset of (inputs, target, ...), its class numbers [rows] as the job's loss takes them.

    One-hot float32 [rows, classes] for categorical_crossentropy, float32 [rows, 1] for binary_crossentropy.
    """
    if not isinstance(job.outputs, Classification):
        return batches
    classes, loss = len(job.outputs.labels), loss_of(job.optimisation, job.outputs.task)

    def convert(inputs: Any, target: Any, *rest: Any) -> tuple[Any, ...]:
        if loss == "categorical_crossentropy":
            return inputs, tf.one_hot(target, classes), *rest
        return inputs, tf.cast(target, tf.float32)[:, None], *rest

    return batches if loss == "sparse_categorical_crossentropy" else batches.map(convert)
