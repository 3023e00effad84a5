"""The recurrent network: token numbers embedded, read from both ends, and passed through dense layers."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import keras

from serving.errors import InvalidJob
from training.networks.dense import dense_layers
from training.networks.spec import RecurrentSpec

CELLS: Mapping[str, Callable[[int], Any]] = MappingProxyType({"lstm": keras.layers.LSTM, "gru": keras.layers.GRU})


def recurrent(tensors: Sequence[Any], spec: RecurrentSpec) -> Any:
    """[rows, width of the last dense layer] from one tensor of token numbers, int [rows, length].

    Raises InvalidJob for anything else: a measurement is no token.
    """
    if (
        len(tensors) != 1
        or len(tensors[0].shape) != 2
        or "int" not in keras.backend.standardize_dtype(tensors[0].dtype)
    ):
        told = ", ".join(f"{tensor.dtype} {tuple(tensor.shape)}" for tensor in tensors)
        raise InvalidJob(f"network.family: recurrent reads one sequence of token numbers; the features give {told}")
    embedded = keras.layers.Embedding(spec.vocabulary_tokens, spec.embedding_units, mask_zero=True)(tensors[0])
    return dense_layers(keras.layers.Bidirectional(CELLS[spec.cell](spec.cell_units))(embedded), spec)
