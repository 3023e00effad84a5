"""What a job file may say about its rows: where they come from and how they are split. Pure."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from serving.contract.features import Fact

Fraction = Annotated[float, Field(gt=0, lt=1)]


class DataSpec(Fact):
    """Which rows: `name` is a data set of `source`; rows of labels that the job does not list can be left out."""

    source: Literal["bundled"]
    name: Literal["digits", "diabetes"]
    only_listed_labels: bool = False


class SplitSpec(Fact):
    """Fractions of all rows; what is left is the training split."""

    validation: Fraction
    test: Fraction
    seed: int

    @model_validator(mode="after")
    def _leaves_training_rows(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together leave no rows for training")
        return self
