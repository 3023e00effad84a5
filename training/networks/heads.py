"""The last layers: what a task's answer is made of, and the part of it that the loss sees while fitting."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from serving.contract.manifest import Classification
from training.optimisation_spec import OptimiserSpec, one_unit

HEADS = ("logits", "logit", "second_probability", "first_probability", "probabilities", "deviations_from_mean", "value")
"""Layers that compute in float32 whatever the others do."""


def class_probabilities(signal: Any, outputs: Classification, optimisation: OptimiserSpec) -> Any:
    """[rows, classes], each row summing to one."""
    if one_unit(optimisation, outputs.task):
        return _of_two_classes(signal, optimisation)
    if not optimisation.from_logits:
        return keras.layers.Dense(len(outputs.labels), activation="softmax", name="probabilities")(signal)
    scores = keras.layers.Dense(len(outputs.labels), name="logits")(signal)
    return keras.layers.Activation("softmax", name="probabilities")(scores)


def _of_two_classes(signal: Any, optimisation: OptimiserSpec) -> Any:
    if optimisation.from_logits:
        logit = keras.layers.Dense(1, name="logit")(signal)
        second = keras.layers.Activation("sigmoid", name="second_probability")(logit)
    else:
        second = keras.layers.Dense(1, activation="sigmoid", name="second_probability")(signal)
    first = keras.layers.Rescaling(-1.0, 1.0, name="first_probability")(second)
    return keras.layers.Concatenate(name="probabilities")([first, second])


def linear_value(signal: Any, train_target: NDArray[np.float32]) -> Any:
    """[rows, 1] in the target's own units.

    The network learns the target in deviations from its training mean; the scaling back is part of the graph.
    Without it the optimiser's steps, made for values near one, would first have to walk the bias up to the mean.
    """
    deviation = float(train_target.std()) or 1.0
    unitless = keras.layers.Dense(1, name="deviations_from_mean")(signal)
    return keras.layers.Rescaling(deviation, float(train_target.mean()), name="value")(unitless)


def learner(model: Any, optimisation: OptimiserSpec, task: str) -> Any:
    """The part of `model` that the loss is of, with the same layers: up to the logits or the one sigmoid, or all."""
    if one_unit(optimisation, task):
        last = "logit" if optimisation.from_logits else "second_probability"
    elif optimisation.from_logits:
        last = "logits"
    else:
        return model
    return keras.Model(model.input, model.get_layer(last).output, name=model.name)


def deviation_of(model: Any) -> float:
    """The standard deviation of the training target, from a model that `linear_value` ends."""
    return float(model.get_layer("value").scale)
