"""The multi-layer perceptron: every tensor flattened, joined, and passed through dense layers."""

from collections.abc import Sequence
from typing import Any

import keras

from training.networks.spec import NetworkSpec


def mlp(tensors: Sequence[Any], spec: NetworkSpec) -> Any:
    """[rows, width of the last dense layer]."""
    # numbers come as [rows, numbers] already; a Flatten there would be an operation for nothing in every request
    flat = [tensor if len(tensor.shape) == 2 else keras.layers.Flatten()(tensor) for tensor in tensors]
    signal = flat[0] if len(flat) == 1 else keras.layers.Concatenate()(flat)
    for units in spec.units:
        signal = keras.layers.Dense(units, activation=spec.activation)(signal)
        if spec.dropout:
            signal = keras.layers.Dropout(spec.dropout)(signal)
    return signal
