"""The convolutional network: each image through blocks of convolutions, then everything joined into dense layers."""

from collections.abc import Sequence
from typing import Any

import keras

from serving.errors import InvalidJob
from training.networks.dense import dense_layers, joined, penalty
from training.networks.spec import CnnSpec


def cnn(tensors: Sequence[Any], spec: CnnSpec) -> Any:
    """[rows, width of the last dense layer]. Images are [rows, height, width] or [rows, height, width, channels];
    numbers [rows, n] join after the convolutions.

    Raises InvalidJob where there is no image, or one that pooling leaves nothing of.
    """
    if all(len(tensor.shape) == 2 for tensor in tensors):
        raise InvalidJob("network.family: cnn needs an image among the features; use mlp for numbers")
    return dense_layers(joined([t if len(t.shape) == 2 else _convolved(t, spec) for t in tensors]), spec)


def _convolved(image: Any, spec: CnnSpec) -> Any:
    smallest = spec.pooling ** len(spec.filters)
    if min(image.shape[1:3]) < smallest:
        raise InvalidJob(
            f"network.pooling: {len(spec.filters)} times {spec.pooling} needs images of at least"
            f" {smallest}x{smallest}, this one is {image.shape[1]}x{image.shape[2]}"
        )
    signal = image if len(image.shape) == 4 else keras.layers.Reshape((*image.shape[1:], 1))(image)
    for filters in spec.filters:
        for _ in range(spec.convolutions):
            signal = _convolution(signal, filters, spec)
        if spec.pooling > 1:
            signal = keras.layers.MaxPooling2D(spec.pooling)(signal)
    return signal


def _convolution(signal: Any, filters: int, spec: CnnSpec) -> Any:
    if not spec.batch_normalisation:
        return keras.layers.Conv2D(
            filters, spec.kernel, padding="same", activation=spec.activation, kernel_regularizer=penalty(spec)
        )(signal)
    sums = keras.layers.Conv2D(filters, spec.kernel, padding="same", use_bias=False, kernel_regularizer=penalty(spec))(
        signal
    )
    return keras.layers.Activation(spec.activation)(keras.layers.BatchNormalization()(sums))
