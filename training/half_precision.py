"""A float32 Keras model as one that multiplies in float16, with the same weights. For serving, not for training."""

from collections.abc import Iterator
from typing import Any

import keras

from serving.errors import PublishError

POLICY = "mixed_float16"
"""Keras's name: float32 variables, float16 arithmetic; batch normalisation and softmax sums stay float32 inside."""
KEPT = (keras.layers.InputLayer, keras.layers.Normalization, keras.layers.Rescaling, keras.layers.Lambda)
"""Natural units may exceed 65,504, float16's largest; a Lambda's code cannot be read back from its configuration."""


def in_half_precision(model: Any) -> Any:
    """`model` (functional, layers nested or not) under POLICY, answering in float32 still.

    The layers of KEPT, and the last one with weights and whatever follows it, are the model's own and stay float32.
    Raises PublishError for a layer that cannot be built from its own configuration.
    """
    layers = list(_leaves(model))
    weighted = [place for place, layer in enumerate(layers) if layer.weights and not isinstance(layer, KEPT)]
    head = {id(layer) for layer in layers[weighted[-1] :]} if weighted else set()
    pairs: list[tuple[Any, Any]] = []

    def cast(layer: Any) -> Any:
        if not isinstance(layer, keras.Layer) or isinstance(layer, KEPT) or id(layer) in head:
            return layer
        clone = _rebuilt(layer)
        pairs.append((layer, clone))
        return clone

    halved = keras.models.clone_model(model, clone_function=cast, recursive=True)
    for layer, clone in pairs:
        clone.set_weights(layer.get_weights())
    return halved


def _rebuilt(layer: Any) -> Any:
    try:
        return type(layer).from_config(_with_policy(layer.get_config()))
    except (NotImplementedError, TypeError, ValueError) as error:
        raise PublishError(
            f"export.profile: gpu builds each layer anew from its configuration, which {type(layer).__name__}"
            f" {layer.name} does not allow: {str(error).strip().splitlines()[0]}"
        ) from error


def _leaves(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _leaves(layer)
        else:
            yield layer


def _with_policy(config: Any) -> Any:
    """Every `dtype` in a layer's configuration, those of the layers it wraps too, is POLICY."""
    if isinstance(config, dict):
        return {name: POLICY if name == "dtype" else _with_policy(value) for name, value in config.items()}
    return [_with_policy(value) for value in config] if isinstance(config, list | tuple) else config
