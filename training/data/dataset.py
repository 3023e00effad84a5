"""Rows as a source gives them, and rows as a network takes them.

Pure: numpy and the contract. Decoding is the gateway's own code, so that training cannot differ from serving.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from serving.contract.features import Feature, NumberFeature
from serving.contract.manifest import Classification, Regression
from serving.contract.tensors import Array
from serving.errors import InvalidInput, InvalidJob
from serving.preprocessing.columns import decode_column, decode_given, default_of
from training.data.split import Keys
from training.job import JobSpec


@dataclass(frozen=True, slots=True)
class Dataset:
    """Natural values: one column for each feature, one target a row (a class label, or a number).

    Strings and image files are arrays of `object`, None where absent; numbers are NaN where absent. `split_by` has
    each row's group or moment where the job splits by one; `held_out` marks test rows that the data itself names.
    """

    source: str
    columns: Mapping[str, Array]
    target: Array
    split_by: Array | None = None
    held_out: NDArray[np.bool_] | None = None

    def where(self, kept: NDArray[np.bool_]) -> "Dataset":
        """Those rows alone."""
        return replace(
            self,
            columns={name: column[kept] for name, column in self.columns.items()},
            target=self.target[kept],
            split_by=None if self.split_by is None else self.split_by[kept],
            held_out=None if self.held_out is None else self.held_out[kept],
        )

    def sha256(self) -> str:
        """Over every array's name, dtype, shape and values, so that a changed row is a changed digest."""
        digest = hashlib.sha256()
        for name, array in (*sorted(self.columns.items()), ("", self.target)):
            digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
            if array.dtype == object:  # its bytes are addresses
                for value in array:
                    digest.update(repr(value).encode() + b"\n")
            else:
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Rows:
    """Arrays by feature name, rows first; `target` holds class numbers (int64) or values (float32)."""

    inputs: Mapping[str, Array]
    target: NDArray[np.int64] | NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.target)

    def take(self, rows: NDArray[np.int64]) -> "Rows":
        return Rows({name: array[rows] for name, array in self.inputs.items()}, self.target[rows])


def listed_only(dataset: Dataset, job: JobSpec) -> Dataset:
    """Without the rows whose label `outputs.labels` does not list, where the job says so."""
    if not job.data.only_listed_labels or not isinstance(job.outputs, Classification):
        return dataset
    return dataset.where(np.isin(dataset.target.astype(str), job.outputs.labels))


def decode(dataset: Dataset, job: JobSpec) -> Rows:
    """Every row of `dataset`, decoded by the job's features; an optional number without a value is NaN.

    Raises InvalidJob where the job and the data disagree on names, InvalidInput where a value cannot be used.
    """
    missing = [feature.name for feature in job.features if feature.name not in dataset.columns]
    if missing:
        there = ", ".join(dataset.columns)
        raise InvalidJob(f"features: {dataset.source} has no column {', '.join(missing)}; there are: {there}")
    try:
        inputs = {feature.name: _decoded(feature, dataset.columns[feature.name]) for feature in job.contract_features}
    except InvalidInput as error:  # its words are for a caller who sees the pointer beside them
        raise InvalidInput(f"{dataset.source}: {error.pointer}: {error}", pointer=error.pointer) from error
    if isinstance(job.outputs, Classification):
        return Rows(inputs, class_numbers(dataset.target, job.outputs))
    return Rows(inputs, target_values(dataset.target, job.outputs))


def _decoded(feature: Feature, column: Array) -> Array:
    """With defaults put in, as the gateway does."""

    def locate(row: int) -> str:
        return f"/{feature.name}/{row}"

    present = given(column)
    if present.all():
        return decode_column(feature, _listed(column), locate)
    if isinstance(feature, NumberFeature) and feature.optional:
        return decode_given(feature, column, present, locate)
    default = default_of(feature)
    if default is None:
        hint = "missing = 'mean' or 'median', or a default" if feature.kind == "number" else "default = ''"
        row = int(np.argmin(present))
        raise InvalidInput(f"no value, nor in {int((~present).sum()) - 1} other rows; give the feature {hint}",
                           pointer=locate(row))  # fmt: skip
    return decode_column(feature, _listed(np.where(present, column, np.array(default, column.dtype))), locate)


def given(column: Array) -> NDArray[np.bool_]:
    """Which rows of a natural column have a value."""
    if column.dtype == object:
        return np.array([value is not None for value in column], dtype=np.bool_)
    if column.dtype.kind == "f" and column.ndim == 1:
        return ~np.isnan(column)
    return np.ones(len(column), dtype=np.bool_)


def _listed(column: Array) -> Sequence[object] | Array:
    return column.tolist() if column.dtype == object else column


def split_keys(dataset: Dataset, rows: Rows, outputs: Classification | Regression) -> Keys:
    """What the rows are split by: classes keep their proportions; a regression's rows are all of one kind."""
    classes = isinstance(outputs, Classification)
    strata = rows.target.astype(np.int64) if classes else np.zeros(len(rows), dtype=np.int64)
    return Keys(strata, dataset.split_by, dataset.held_out)


def check_classes(train: Rows, rows: Rows, outputs: Classification | Regression) -> None:
    """Raises InvalidInput for a class that the training rows do not have: nobody could learn it."""
    if not isinstance(outputs, Classification):
        return
    seen = np.bincount(train.target.astype(np.int64), minlength=len(outputs.labels))
    if not seen.all():
        number = int(np.argmin(seen))
        have = int(np.count_nonzero(rows.target == number))
        raise InvalidInput(
            f"class {outputs.labels[number]} has no row in the training split, and {have} in all: bring more of it, or"
            " take it out of outputs.labels and set data.only_listed_labels",
            pointer="",
        )


def class_numbers(target: Array, outputs: Classification) -> NDArray[np.int64]:
    """Each label's place in `outputs.labels`; a label that is not there, or that no row has, is InvalidJob."""
    labels = np.array(outputs.labels)
    found = set(np.unique(target.astype(str)).tolist())
    if found != set(outputs.labels):
        raise InvalidJob(
            f"outputs.labels: the data's labels are {', '.join(sorted(found))}; the job's are {', '.join(labels)}"
        )
    order = np.argsort(labels)
    places = order[np.searchsorted(labels, target.astype(str), sorter=order)]
    return places.astype(np.int64)


def target_values(target: Array, outputs: Regression) -> NDArray[np.float32]:
    """The target as float32; anything that is not a finite number is InvalidInput at its row."""
    if target.dtype.kind not in "iuf":
        raise InvalidInput(f"{outputs.target} holds {target.dtype}, not numbers", pointer=f"/{outputs.target}")
    values = target.astype(np.float32)
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        raise InvalidInput(f"{outputs.target} is {target[row]} in row {row}", pointer=f"/{outputs.target}/{row}")
    return values
