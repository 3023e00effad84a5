"""A network of the user's own: `module:name` is imported and called, so a job file of this family runs code."""

import importlib
from collections.abc import Sequence
from typing import Any

import keras

from serving.errors import InvalidJob
from training.networks.spec import CustomSpec


def custom(tensors: Sequence[Any], spec: CustomSpec) -> Any:
    """What the user's function makes of a list of `tensors`; the last layer, which is the task's, comes after it.

    Raises InvalidJob where there is no such function, or it gives anything but one Keras tensor [rows, values].
    """
    module, _, name = spec.function.partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise InvalidJob(f"network.function: {spec.function}: {error}; is its folder on PYTHONPATH?") from error
    signal = function(list(tensors))
    if not isinstance(signal, keras.KerasTensor) or len(signal.shape) != 2:
        raise InvalidJob(f"network.function: {spec.function} must give one tensor [rows, values], gave {signal!r}")
    return signal
