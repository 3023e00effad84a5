"""What a job file may say about its rows: where they come from and how they are split. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, NonNegativeFloat, PositiveInt, model_validator

from serving.contract.features import Fact


class RowsSpec(Fact):
    """With `only_listed_labels`, rows whose class is not among `outputs.labels` are left out; else they are refused."""

    only_listed_labels: bool = False


class BundledSpec(RowsSpec):
    """`name` is a data set that scikit-learn brings."""

    source: Literal["bundled"]
    name: Literal["digits", "diabetes", "iris", "wine", "breast_cancer"]


class KerasSpec(RowsSpec):
    """`name` is one of `keras.datasets`, downloaded once into Keras's cache unless `path`, a file or folder, has it."""

    source: Literal["keras"]
    name: Literal["mnist", "fashion_mnist", "imdb", "california_housing"]
    path: str | None = None


class TableSpec(RowsSpec):
    """One CSV, TSV (either may be .gz) or Parquet file; `target` names the column to predict.

    `path` is where it lies; without one, `url` is where it is fetched from, once, into Keras's cache.
    `columns` names the columns of a file without a header. A field that reads like one of `absent` has no value.
    `quoted` says whether a field may stand in double quotes. `streamed` reads the file anew in every pass, for one
    that memory does not hold; what is learned before the fit is learned on `sample_rows` of its training rows.
    """

    source: Literal["table"]
    path: str | None = None
    url: str | None = None
    target: str
    columns: tuple[str, ...] = ()
    absent: tuple[str, ...] = ("",)
    quoted: bool = True
    streamed: bool = False
    sample_rows: PositiveInt = 100_000

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if self.path is None and self.url is None:
            raise ValueError("path or url must say where the file is")
        return self


class FolderSpec(RowsSpec):
    """Files in folders named after their class: `<path>/<label>/<file>`, images or texts as the feature's kind says."""

    source: Literal["folder"]
    path: str


class NpzSpec(RowsSpec):
    """Arrays of one .npz file. Each feature, and `target`, names the array that holds it, or several to be joined."""

    source: Literal["npz"]
    path: str
    arrays: Mapping[str, tuple[str, ...]]
    target: tuple[str, ...]


DataSpec: TypeAlias = Annotated[
    BundledSpec | KerasSpec | TableSpec | FolderSpec | NpzSpec, Field(discriminator="source")
]

SOURCES: Mapping[str, type[Fact]] = MappingProxyType(
    {"bundled": BundledSpec, "keras": KerasSpec, "table": TableSpec, "folder": FolderSpec, "npz": NpzSpec}
)
"""What may stand in `[data]`, by its `source`."""


class SplitSpec(Fact):
    """Fractions of all rows; what is left is the training split.

    `by` says what keeps together or apart: `class` keeps the classes' proportions; `group` puts all rows that share a
    value of `column` into one part; `time` takes the last rows by `column` as test and those before them as
    validation; `given` takes the test rows that the data itself names. `folds`, where there are any, measure by
    cross-validation over all but the test rows.
    """

    validation: Annotated[NonNegativeFloat, Field(lt=1)]
    test: Annotated[float, Field(gt=0, lt=1)] | None = None
    seed: int
    by: Literal["class", "group", "time", "given"] = "class"
    column: str | None = None
    folds: Annotated[PositiveInt, Field(ge=2)] | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (self.by == "given") != (self.test is None):
            raise ValueError("test is a fraction of the rows; leave it out with by = 'given', and only then")
        if self.validation + (self.test or 0) >= 1:
            raise ValueError("validation and test together leave no rows for training")
        if (self.by in ("group", "time")) != (self.column is not None):
            raise ValueError("column names what to split by: give it with by = 'group' or 'time', and only then")
        if self.folds and self.by == "time":
            raise ValueError("folds would train on rows later than those they are measured on; drop folds")
        return self
