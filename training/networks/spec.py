"""What a job file may say about the network. Pure."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from serving.contract.features import Fact


class NetworkSpec(Fact):
    """A multi-layer perceptron: one dense layer for each of `units`, dropout after each."""

    family: Literal["mlp"]
    units: tuple[PositiveInt, ...]
    activation: Literal["relu", "gelu", "silu", "tanh"]
    dropout: Annotated[float, Field(ge=0, lt=1)]
