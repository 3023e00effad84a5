"""What a job file may say about the network: one model a family, told apart by `family`. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, NonNegativeFloat, PositiveInt

from serving.contract.features import Fact

Activation = Literal["relu", "gelu", "silu", "tanh"]
Share = Annotated[float, Field(ge=0, lt=1)]


class DenseSpec(Fact):
    """The dense layers that every family but `custom` ends with: one for each of `units`, `dropout` after each.

    `batch_normalisation` stands between a layer's sums and its activation. `l1` and `l2` are added to the loss, times
    the absolute and the squared kernel weights (of convolutions too).
    """

    units: tuple[PositiveInt, ...]
    activation: Activation
    dropout: Share
    batch_normalisation: bool = False
    l1: NonNegativeFloat = 0.0
    l2: NonNegativeFloat = 0.0


class MlpSpec(DenseSpec):
    """A multi-layer perceptron: all features flattened and joined, then the dense layers."""

    family: Literal["mlp"]


class CnnSpec(DenseSpec):
    """A convolutional network: one block for each of `filters`, then the dense layers.

    A block is `convolutions` layers of `kernel` x `kernel` over a zero-padded image, then the maximum of each
    `pooling` x `pooling` square (1: none). `dropout` acts on the dense layers alone.
    """

    family: Literal["cnn"]
    filters: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    kernel: PositiveInt = 3
    pooling: PositiveInt = 2
    convolutions: PositiveInt = 1


class RecurrentSpec(DenseSpec):
    """A recurrent network: texts as token numbers, embedded and read by cells, then the dense layers.

    `embedding_units` is the width of one token's vector, `cell_units` that of each direction. `dropout` acts on the
    dense layers alone.
    """

    family: Literal["recurrent"]
    embedding_units: PositiveInt
    cell: Literal["lstm", "gru"] = "lstm"
    cell_units: PositiveInt
    bidirectional: bool = True


class CustomSpec(Fact):
    """Layers of the user's own: `function`, written `module:name`, is imported and called with the encoded tensors."""

    family: Literal["custom"]
    function: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]


NetworkSpec: TypeAlias = Annotated[MlpSpec | CnnSpec | RecurrentSpec | CustomSpec, Field(discriminator="family")]

NETWORKS: Mapping[str, type[Fact]] = MappingProxyType(
    {"mlp": MlpSpec, "cnn": CnnSpec, "recurrent": RecurrentSpec, "custom": CustomSpec}
)
"""What may stand in `[network]`, by its `family`."""
