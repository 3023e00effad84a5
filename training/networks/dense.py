"""Dense layers, as every family ends with them, and the joining of tensors in front."""

from collections.abc import Sequence
from typing import Any

import keras

from serving.errors import InvalidJob
from training.networks.spec import DenseSpec


def joined(tensors: Sequence[Any]) -> Any:
    """[rows, values]: every tensor flattened, side by side.

    Raises InvalidJob for token numbers: their size means nothing, so no layer may multiply them.
    """
    if any(map(holds_tokens, tensors)):
        raise InvalidJob("network.family: only recurrent reads sequences of token numbers")
    # numbers come as [rows, numbers] already; a Flatten there would be an operation for nothing in every request
    flat = [tensor if len(tensor.shape) == 2 else keras.layers.Flatten()(tensor) for tensor in tensors]
    return flat[0] if len(flat) == 1 else keras.layers.Concatenate()(flat)


def holds_tokens(tensor: Any) -> bool:
    """Whether it is a sequence of token numbers, int [rows, length]."""
    return "int" in keras.backend.standardize_dtype(tensor.dtype) and len(tensor.shape) == 2


def dense_layers(signal: Any, spec: DenseSpec) -> Any:
    """[rows, width of the last layer]; `signal` itself where `units` is empty."""
    for units in spec.units:
        if spec.batch_normalisation:
            # no bias: the normalisation subtracts it again, and has a shift of its own
            sums = keras.layers.Dense(units, use_bias=False, kernel_regularizer=penalty(spec))(signal)
            signal = keras.layers.Activation(spec.activation)(keras.layers.BatchNormalization()(sums))
        else:
            signal = keras.layers.Dense(units, activation=spec.activation, kernel_regularizer=penalty(spec))(signal)
        if spec.dropout:
            signal = keras.layers.Dropout(spec.dropout)(signal)
    return signal


def penalty(spec: DenseSpec) -> Any:
    """What the loss adds for one kernel's weights; None where the job asks for nothing."""
    return keras.regularizers.L1L2(l1=spec.l1, l2=spec.l2) if spec.l1 or spec.l2 else None
