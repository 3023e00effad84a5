"""The multi-layer perceptron: every tensor flattened, joined, and passed through dense layers."""

from collections.abc import Sequence
from typing import Any

from training.networks.dense import dense_layers, joined
from training.networks.spec import MlpSpec


def mlp(tensors: Sequence[Any], spec: MlpSpec) -> Any:
    """[rows, width of the last dense layer]."""
    return dense_layers(joined(tensors), spec)
