"""Fitting in 16 bits: a twin of the model, its weights still float32, computes in them; the model itself never does.

So what is evaluated and exported is float32 whatever the fit was.
"""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from training.networks.heads import HEADS

PREPROCESSING = (
    keras.layers.Normalization,
    keras.layers.Discretization,
    keras.layers.CategoryEncoding,
    keras.layers.StringLookup,
    keras.layers.IntegerLookup,
    keras.layers.TextVectorization,
)
"""Layers in front of the network; natural values may be beyond float16, so the twin shares these."""


def mixed_policy() -> str:
    """float16 where there is a GPU, which has units for it; bfloat16, which needs no loss scaling, elsewhere."""
    return "mixed_float16" if tf.config.list_physical_devices("GPU") else "mixed_bfloat16"


def mixed_twin(model: Any, policy: str) -> Any:
    """`model` again, with weights of its own that start as the model's, computing in 16 bits between preprocessing
    and head.
    """

    def layer_again(layer: Any) -> Any:
        if isinstance(layer, PREPROCESSING):
            return layer
        config = layer.get_config()
        return layer.__class__.from_config(config if layer.name in HEADS else with_policy(config, policy))

    twin = keras.models.clone_model(model, clone_function=layer_again)
    twin.set_weights(model.get_weights())
    return twin


def with_policy(config: Any, policy: str) -> Any:
    """A layer's configuration, those of layers inside it too, with each float32 policy replaced."""
    if isinstance(config, Mapping):
        if config.get("class_name") == "DTypePolicy" and config.get("config", {}).get("name") == "float32":
            return {**config, "config": {"name": policy}}
        return {key: with_policy(value, policy) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)([with_policy(value, policy) for value in config])
    return config
