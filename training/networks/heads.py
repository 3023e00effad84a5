"""The last layers: what a task's answer is made of."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from serving.contract.manifest import Classification


def class_probabilities(signal: Any, outputs: Classification) -> Any:
    """[rows, classes], each row summing to one."""
    return keras.layers.Dense(len(outputs.labels), activation="softmax", name="probabilities")(signal)


def linear_value(signal: Any, train_target: NDArray[np.float32]) -> Any:
    """[rows, 1] in the target's own units.

    The network learns the target in deviations from its training mean; the scaling back is part of the graph.
    Without it the optimiser's steps, made for values near one, would first have to walk the bias up to the mean.
    """
    deviation = float(train_target.std()) or 1.0
    unitless = keras.layers.Dense(1, name="deviations_from_mean")(signal)
    return keras.layers.Rescaling(deviation, float(train_target.mean()), name="value")(unitless)
