"""The recurrent network: token numbers embedded, read in order, and joined with everything else into dense layers."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import keras

from serving.errors import InvalidJob
from training.networks.dense import dense_layers, holds_tokens, joined
from training.networks.spec import RecurrentSpec

CELLS: Mapping[str, Callable[[int], Any]] = MappingProxyType({"lstm": keras.layers.LSTM, "gru": keras.layers.GRU})


def recurrent(tensors: Sequence[Any], spec: RecurrentSpec, *, tokens: Mapping[str, int]) -> Any:
    """[rows, width of the last dense layer]. Sequences are int [rows, length], 0 where there is padding, which no cell
    reads; other tensors join the dense layers. `tokens` has the number of tokens of each sequence, by the name of its
    tensor, 0 and the unknown one included.

    Raises InvalidJob where there is no sequence.
    """
    if not any(map(holds_tokens, tensors)):
        told = ", ".join(f"{tensor.dtype} {tuple(tensor.shape)}" for tensor in tensors)
        raise InvalidJob(f"network.family: recurrent reads sequences of token numbers; the features give {told}")
    return dense_layers(joined([_read(t, tokens[t.name], spec) if holds_tokens(t) else t for t in tensors]), spec)


def _read(sequence: Any, tokens: int, spec: RecurrentSpec) -> Any:
    embedded = keras.layers.Embedding(tokens, spec.embedding_units, mask_zero=True)(sequence)
    cells = CELLS[spec.cell](spec.cell_units)
    return (keras.layers.Bidirectional(cells) if spec.bidirectional else cells)(embedded)
