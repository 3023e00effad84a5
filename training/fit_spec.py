"""What a job file may say about fitting: how long to go on, in what pieces and how the machine is used. Pure."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, PositiveFloat, PositiveInt, Tag

from serving.contract.features import Fact
from serving.contract.manifest import Classification, Regression
from training.optimisation_spec import OptimiserSpec
from training.schedule_spec import PlateauSpec

BALANCED, BY_LABEL = "'balanced'", "a table"
"""What pydantic calls the two ways to give class weights, on the way to a fault."""


def _form(weights: Any) -> str:
    return BALANCED if isinstance(weights, str) else BY_LABEL


ClassWeights = Annotated[
    Annotated[Literal["balanced"], Tag(BALANCED)] | Annotated[Mapping[str, PositiveFloat], Tag(BY_LABEL)],
    Discriminator(_form),
]


class FitSpec(Fact):
    """Fitting ends after `epochs`, or once `patience_epochs` brought no better validation loss.

    `class_weights` multiply the training loss of each row by its label's: "balanced" is rows / (classes * rows of the
    class), a table names labels, and those it does not name weigh 1. `xla` compiles a step, `mixed_precision` computes
    it in 16 bits. `steps_per_execution` is how many steps run before Python hears of them.
    """

    epochs: PositiveInt
    batch_rows: PositiveInt
    patience_epochs: PositiveInt
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    class_weights: ClassWeights | None = None
    xla: bool = False
    mixed_precision: bool = False
    steps_per_execution: PositiveInt = 32


def fit_objection(fit: FitSpec, optimisation: OptimiserSpec, outputs: Classification | Regression) -> str | None:
    """Why this task cannot be fitted so; None where it can."""
    schedule = optimisation.schedule
    if isinstance(schedule, PlateauSpec) and schedule.patience_epochs >= fit.patience_epochs:
        return (
            f"optimisation.schedule.patience_epochs: {schedule.patience_epochs} is never reached, because"
            f" fit.patience_epochs, {fit.patience_epochs}, ends the fit; make it smaller"
        )
    if fit.class_weights is None:
        return None
    if isinstance(outputs, Regression):
        return "fit.class_weights: a regression has no classes"
    unknown = [] if fit.class_weights == "balanced" else [k for k in fit.class_weights if k not in outputs.labels]
    if unknown:
        return f"fit.class_weights: no label {', '.join(unknown)}; there are {', '.join(outputs.labels)}"
    return None
