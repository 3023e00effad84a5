"""What a job file may say about the network: one model a family, told apart by `family`. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

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


class BackboneSpec(Fact):
    """A network to reuse: an `application` of Keras with `weights` (`imagenet`, `none`, or a file's path), or a
    `published` model of this model directory, cut before its last dense layer (`version`: the one that answers).
    """

    application: str | None = None
    weights: str = "imagenet"
    published: str | None = None
    version: PositiveInt | None = None

    @model_validator(mode="after")
    def _is_one_network(self) -> Self:
        if (self.application is None) == (self.published is None):
            raise ValueError("give either application or published")
        return self


class TransferSpec(DenseSpec):
    """A reused network, then dense layers: these learn alone for `frozen_epochs`, then the reused ones learn too, all
    or the last `fine_tune_layers`, at `fine_tune_learning_rate`.
    """

    family: Literal["transfer"]
    backbone: BackboneSpec
    frozen_epochs: PositiveInt
    fine_tune_learning_rate: PositiveFloat
    fine_tune_layers: PositiveInt | None = None


class CustomSpec(Fact):
    """Layers of the user's own: `function`, written `module:name`, is imported and called with the encoded tensors."""

    family: Literal["custom"]
    function: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]


NetworkSpec: TypeAlias = Annotated[
    MlpSpec | CnnSpec | RecurrentSpec | TransferSpec | CustomSpec, Field(discriminator="family")
]

NETWORKS: Mapping[str, type[Fact]] = MappingProxyType(
    {"mlp": MlpSpec, "cnn": CnnSpec, "recurrent": RecurrentSpec, "transfer": TransferSpec, "custom": CustomSpec}
)
"""What may stand in `[network]`, by its `family`."""
