"""Manifest features to Keras inputs and the layers behind them, adapted on the training split alone.

What is learned from data (means, variances) lives in these layers, so it is exported with the weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from serving.contract.features import Feature, ImageFeature, NumberFeature
from serving.contract.tensors import Array
from serving.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Encoded:
    """`inputs`: one Keras input a feature, under its name. `tensors`: what the network starts from, normalised.

    `tokens`: of each tensor of token numbers, by the tensor's name, how many there are, 0 (padding) and 1 (unknown)
    included.
    """

    inputs: Mapping[str, Any]
    tensors: Sequence[Any]
    tokens: Mapping[str, int] = field(default_factory=dict)


def encode(features: Sequence[Feature], train: Mapping[str, Array]) -> Encoded:
    """All numbers as one tensor [rows, numbers], then each image in its own; zero mean and unit variance over `train`.

    Raises InvalidInput for a feature that never varies there: it teaches nothing, and dividing by its deviation
    would blow up the first row that differs.
    """
    for feature in features:
        column = train[feature.name]
        if column.min() == column.max():
            raise InvalidInput(
                f"{feature.name} is {column.min():g} in every training row: drop it", pointer=f"/{feature.name}"
            )
    inputs = {
        feature.name: keras.Input(feature.row_shape, name=feature.name, dtype=feature.dtype) for feature in features
    }
    images = [feature.name for feature in features if isinstance(feature, ImageFeature)]
    numbers = [feature.name for feature in features if isinstance(feature, NumberFeature)]
    tensors = [_image(inputs[name], train[name]) for name in images]
    if numbers:
        tensors.insert(0, _numbers([inputs[name] for name in numbers], [train[name] for name in numbers]))
    return Encoded(inputs, tensors)


def _numbers(inputs: Sequence[Any], columns: Sequence[Array]) -> Any:
    # one layer for all of them: two operations in the graph where ten features would make twenty
    normalise = keras.layers.Normalization(axis=-1, name="normalise_numbers")
    normalise.adapt(np.stack(columns, axis=-1))
    return normalise(keras.ops.stack(inputs, axis=-1))


def _image(image: Any, pixels: Array) -> Any:
    # one mean for all pixels: a corner that is blank in every training row has no deviation of its own
    normalise = keras.layers.Normalization(axis=None, name=f"normalise_{image.name}")
    normalise.adapt(pixels)
    return normalise(image)
