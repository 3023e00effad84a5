"""What a job file may say about the learning rate over time: one model a kind, told apart by `kind`. Pure.

Without a schedule the rate stays what it is. Times are in epochs, so that another batch size means the same.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from serving.contract.features import Fact

Factor = Annotated[float, Field(gt=0, lt=1)]
Fraction = Annotated[float, Field(ge=0, lt=1)]


class InverseTimeSpec(Fact):
    """learning_rate / (1 + `decay_rate` * epochs / `decay_epochs`); in jumps where `staircase`."""

    kind: Literal["inverse_time"]
    decay_rate: PositiveFloat = 1.0
    decay_epochs: PositiveInt = 1
    staircase: bool = False


class ExponentialSpec(Fact):
    """learning_rate * `decay_rate` ** (epochs / `decay_epochs`), falling with each step."""

    kind: Literal["exponential"]
    decay_rate: Factor
    decay_epochs: PositiveInt = 1


class StepSpec(Fact):
    """The rate times `factor`, once every `every_epochs`."""

    kind: Literal["step"]
    factor: Factor = 0.1
    every_epochs: PositiveInt = 10


class CosineSpec(Fact):
    """From zero up to the rate in `warmup_epochs`, then down along half a cosine to `floor` times the rate.

    The way down takes `decay_epochs`; without it, what fit.epochs leaves after the warm-up.
    """

    kind: Literal["cosine"]
    warmup_epochs: NonNegativeInt = 0
    decay_epochs: PositiveInt | None = None
    floor: Fraction = 0.0


class CyclicalSpec(Fact):
    """Triangles: from learning_rate up to `highest` in `half_cycle_epochs`, down again in as many, and so on.

    Leslie N. Smith, Cyclical Learning Rates for Training Neural Networks, 2017.
    """

    kind: Literal["cyclical"]
    highest: PositiveFloat
    half_cycle_epochs: PositiveInt = 4


class PlateauSpec(Fact):
    """The rate times `factor` whenever `patience_epochs` brought no better validation loss; never under `lowest`."""

    kind: Literal["plateau"]
    factor: Factor = 0.1
    patience_epochs: PositiveInt = 10
    cooldown_epochs: NonNegativeInt = 0
    lowest: NonNegativeFloat = 0.0


ScheduleSpec: TypeAlias = Annotated[
    InverseTimeSpec | ExponentialSpec | StepSpec | CosineSpec | CyclicalSpec | PlateauSpec,
    Field(discriminator="kind"),
]

SCHEDULE_TABLES: dict[str, type[Fact]] = {
    "inverse_time": InverseTimeSpec,
    "exponential": ExponentialSpec,
    "step": StepSpec,
    "cosine": CosineSpec,
    "cyclical": CyclicalSpec,
    "plateau": PlateauSpec,
}
