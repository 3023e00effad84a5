"""What a job file may say about fitting: the optimiser, and how long to go on. Pure."""

from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from serving.contract.features import Fact


class OptimisationSpec(Fact):
    """Adam."""

    learning_rate: PositiveFloat


class FitSpec(Fact):
    """Fitting ends after `epochs`, or once `patience_epochs` brought no better validation loss."""

    epochs: PositiveInt
    batch_rows: PositiveInt
    patience_epochs: PositiveInt
    seed: Annotated[int, Field(ge=0, lt=2**32)]
