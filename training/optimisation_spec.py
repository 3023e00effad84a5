"""What a job file may say about what is minimised and how: one model an optimiser, told apart by `optimiser`. Pure.

Keys that belong to one optimiser have Keras's names and Keras's defaults.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Discriminator, Field, NonNegativeFloat, PositiveFloat, Tag, model_validator

from serving.contract.features import Fact
from serving.contract.manifest import Classification, Regression
from training.schedule_spec import CyclicalSpec, ScheduleSpec

Loss = Literal[
    "sparse_categorical_crossentropy",
    "categorical_crossentropy",
    "binary_crossentropy",
    "mean_squared_error",
    "mean_absolute_error",
    "huber",
]
LOSSES: Mapping[str, Sequence[Loss]] = MappingProxyType(
    {
        "classification": ("sparse_categorical_crossentropy", "categorical_crossentropy", "binary_crossentropy"),
        "regression": ("mean_squared_error", "mean_absolute_error", "huber"),
    }
)
"""By task; the first is taken where the job names none."""

SMOOTHABLE: Sequence[Loss] = ("categorical_crossentropy", "binary_crossentropy")

Moment = Annotated[float, Field(ge=0, lt=1)]
Smoothing = Annotated[float, Field(ge=0, lt=1)]


class OptimiserSpec(Fact):
    """What every optimiser takes.

    `loss` is of LOSSES. Regression's is of the errors in standard deviations of the training target, so that neither
    the rate nor a penalty on weights depends on its unit; `huber_delta` is in them too (default 1). `from_logits`
    leaves the softmax or sigmoid to the loss while fitting. `clipnorm` bounds the norm of each variable's gradient.
    """

    learning_rate: PositiveFloat
    schedule: ScheduleSpec | None = None
    clipnorm: PositiveFloat | None = None
    loss: Loss | None = None
    from_logits: bool = False
    label_smoothing: Smoothing = 0.0
    huber_delta: PositiveFloat | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.label_smoothing and self.loss not in SMOOTHABLE:
            raise ValueError(f"label_smoothing needs a loss of {' or '.join(SMOOTHABLE)}")
        if self.huber_delta is not None and self.loss != "huber":
            raise ValueError("huber_delta needs the loss huber")
        if isinstance(self.schedule, CyclicalSpec) and self.schedule.highest <= self.learning_rate:
            raise ValueError(f"schedule.highest must be above learning_rate, {self.learning_rate:g}")
        return self


class SgdSpec(OptimiserSpec):
    optimiser: Literal["sgd"]
    momentum: Moment = 0.0
    nesterov: bool = False


class RmspropSpec(OptimiserSpec):
    optimiser: Literal["rmsprop"]
    rho: Moment = 0.9
    momentum: Moment = 0.0
    epsilon: PositiveFloat = 1e-7
    centered: bool = False


class AdamSpec(OptimiserSpec):
    optimiser: Literal["adam"] = "adam"
    beta_1: Moment = 0.9
    beta_2: Moment = 0.999
    epsilon: PositiveFloat = 1e-7
    amsgrad: bool = False


class AdamwSpec(OptimiserSpec):
    optimiser: Literal["adamw"]
    weight_decay: NonNegativeFloat = 0.004
    beta_1: Moment = 0.9
    beta_2: Moment = 0.999
    epsilon: PositiveFloat = 1e-7
    amsgrad: bool = False


class AdadeltaSpec(OptimiserSpec):
    optimiser: Literal["adadelta"]
    rho: Moment = 0.95
    epsilon: PositiveFloat = 1e-7


class AdagradSpec(OptimiserSpec):
    optimiser: Literal["adagrad"]
    initial_accumulator_value: NonNegativeFloat = 0.1
    epsilon: PositiveFloat = 1e-7


class AdamaxSpec(OptimiserSpec):
    optimiser: Literal["adamax"]
    beta_1: Moment = 0.9
    beta_2: Moment = 0.999
    epsilon: PositiveFloat = 1e-7


class NadamSpec(OptimiserSpec):
    optimiser: Literal["nadam"]
    beta_1: Moment = 0.9
    beta_2: Moment = 0.999
    epsilon: PositiveFloat = 1e-7


class FtrlSpec(OptimiserSpec):
    optimiser: Literal["ftrl"]
    learning_rate_power: Annotated[float, Field(le=0)] = -0.5
    initial_accumulator_value: NonNegativeFloat = 0.1
    l1_regularization_strength: NonNegativeFloat = 0.0
    l2_regularization_strength: NonNegativeFloat = 0.0
    l2_shrinkage_regularization_strength: NonNegativeFloat = 0.0
    beta: NonNegativeFloat = 0.0


OPTIMISER_TABLES: dict[str, type[OptimiserSpec]] = {
    "sgd": SgdSpec,
    "rmsprop": RmspropSpec,
    "adam": AdamSpec,
    "adamw": AdamwSpec,
    "adadelta": AdadeltaSpec,
    "adagrad": AdagradSpec,
    "adamax": AdamaxSpec,
    "nadam": NadamSpec,
    "ftrl": FtrlSpec,
}


def _named(optimisation: Any) -> Any:
    if isinstance(optimisation, Mapping):
        return optimisation.get("optimiser", "adam")
    return getattr(optimisation, "optimiser", "adam")


OptimisationSpec: TypeAlias = Annotated[
    Annotated[SgdSpec, Tag("sgd")]
    | Annotated[RmspropSpec, Tag("rmsprop")]
    | Annotated[AdamSpec, Tag("adam")]
    | Annotated[AdamwSpec, Tag("adamw")]
    | Annotated[AdadeltaSpec, Tag("adadelta")]
    | Annotated[AdagradSpec, Tag("adagrad")]
    | Annotated[AdamaxSpec, Tag("adamax")]
    | Annotated[NadamSpec, Tag("nadam")]
    | Annotated[FtrlSpec, Tag("ftrl")],
    Discriminator(
        _named,
        custom_error_type="unknown_optimiser",
        custom_error_message=f"optimiser: there are {', '.join(OPTIMISER_TABLES)}",
    ),
]


def loss_of(optimisation: OptimiserSpec, task: str) -> Loss:
    return optimisation.loss or LOSSES[task][0]


def one_unit(optimisation: OptimiserSpec, task: str) -> bool:
    """Whether a classifier's last layer has one unit, for the second of two classes, where others have one a class."""
    return loss_of(optimisation, task) == "binary_crossentropy"


def loss_objection(optimisation: OptimiserSpec, outputs: Classification | Regression) -> str | None:
    """Why this task cannot be fitted so; None where it can."""
    known = LOSSES[outputs.task]
    if optimisation.loss and optimisation.loss not in known:
        return f"optimisation.loss: no {optimisation.loss!r} in {outputs.task}; there are {', '.join(known)}"
    if isinstance(outputs, Regression):
        return "optimisation.from_logits: a regression has no logits" if optimisation.from_logits else None
    if one_unit(optimisation, outputs.task) and len(outputs.labels) != 2:
        return f"optimisation.loss: binary_crossentropy is for two labels, the job has {len(outputs.labels)}"
    return None
