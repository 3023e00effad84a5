"""What a job file may say about a search: which values to try, how they are chosen, what they are judged by. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Discriminator, Field, JsonValue, PositiveInt, StrictFloat, StrictInt, Tag, model_validator

from serving.contract.features import Fact

SHARED_BY_ALL_TRIALS = (
    *("model", "description", "data", "split", "features", "outputs"),
    *("export", "keep_keras_model", "publish", "search"),
)
"""What no search changes: rows are read and split once, figures of other rows or targets do not compare, and the rest
comes after the fit.
"""


class SpaceEntry(Fact):
    """`key` is a dotted key of the job, as `--set` has it."""

    key: str

    @model_validator(mode="after")
    def _leaves_the_rows_alone(self) -> Self:
        if self.key.split(".")[0] in SHARED_BY_ALL_TRIALS:
            raise ValueError(
                f"{self.key} is the same in every trial: trials share rows, features and outputs, or do not compare"
            )
        return self


class RangeSpace(SpaceEntry):
    """Numbers from `low` to `high`, both included: whole ones where both and `step` are whole.

    With `log`, equal ratios are equally likely and `step` multiplies; otherwise it adds. Fractions are rounded to six
    significant digits, so that the winning job reads like one that a person wrote.
    """

    low: StrictInt | StrictFloat
    high: StrictInt | StrictFloat
    step: StrictInt | StrictFloat | None = None
    log: bool = False

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low must be below high, got {self.low} and {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"log needs a low above 0, got {self.low}")
        least = 1 if self.log else 0
        if self.step is not None and self.step <= least:
            raise ValueError(f"step must be more than {least}{' with log' if self.log else ''}, got {self.step}")
        return self

    @property
    def whole(self) -> bool:
        return all(isinstance(number, int) for number in (self.low, self.high, self.step or 0))


class ChoicesSpace(SpaceEntry):
    """Any of `choices`, each a value as the key's table takes it: a number, a word, a list, a whole table."""

    choices: tuple[JsonValue, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if any(choice in self.choices[:place] for place, choice in enumerate(self.choices)):
            raise ValueError(f"two choices of {self.key} are the same")
        return self


def _kind(entry: Any) -> str:
    has_choices = "choices" in entry if isinstance(entry, Mapping) else isinstance(entry, ChoicesSpace)
    return "choices_space" if has_choices else "range_space"


SpaceSpec: TypeAlias = Annotated[
    Annotated[RangeSpace, Tag("range_space")] | Annotated[ChoicesSpace, Tag("choices_space")], Discriminator(_kind)
]


class Search(Fact):
    """`objective` is a figure of the validation split under Keras's name, at the epoch whose weights are kept.

    `direction` says whether the lowest or the highest is best; without it KerasTuner goes by the name. `seed` is above
    0: KerasTuner takes 0 for none.
    """

    seed: Annotated[int, Field(gt=0, lt=2**32)]
    objective: Annotated[str, Field(pattern="^val_")] = "val_loss"
    direction: Literal["min", "max"] | None = None
    space: tuple[SpaceSpec, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _keys_do_not_meet(self) -> Self:
        keys = sorted(entry.key for entry in self.space)
        for key in keys:
            within = [other for other in keys if other == key or other.startswith(f"{key}.")]
            if len(within) > 1:
                raise ValueError(f"space sets {key} twice: {', '.join(within)}")
        return self


class RandomSearch(Search):
    """`trials` draws."""

    method: Literal["random"]
    trials: PositiveInt


class BayesianSearch(Search):
    """`trials` draws: at first at random, three for each entry of the space, then where a Gaussian process hopes."""

    method: Literal["bayesian"]
    trials: PositiveInt


class HyperbandSearch(Search):
    """Many draws with few epochs, the best of them with `factor` times as many, and so on up to `fit.epochs`.

    The whole is done `sweeps` times. Each round trains anew from first weights.
    """

    method: Literal["hyperband"]
    factor: Annotated[int, Field(ge=2)] = 3
    sweeps: PositiveInt = 1

    @model_validator(mode="after")
    def _epochs_are_its_own(self) -> Self:
        if any(entry.key in ("fit", "fit.epochs") for entry in self.space):
            raise ValueError("hyperband chooses fit.epochs itself; take it out of the space")
        return self


SearchSpec: TypeAlias = Annotated[RandomSearch | BayesianSearch | HyperbandSearch, Field(discriminator="method")]

SEARCHES: Mapping[str, type[Fact]] = MappingProxyType(
    {"random": RandomSearch, "bayesian": BayesianSearch, "hyperband": HyperbandSearch}
)
"""What may stand in `[search]`, by its `method`."""

SPACES: Mapping[str, type[Fact]] = MappingProxyType({"range_space": RangeSpace, "choices_space": ChoicesSpace})
"""What may stand in `[[search.space]]`: choices, or else a range."""
