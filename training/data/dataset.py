"""Rows as a source gives them, and rows as a network takes them.

Pure: numpy and the contract. Decoding is the gateway's own code, so that training cannot differ from serving.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.contract.manifest import Classification, Regression
from serving.contract.tensors import Array
from serving.errors import InvalidInput, InvalidJob
from serving.preprocessing.columns import decode_columns
from training.job import JobSpec


@dataclass(frozen=True, slots=True)
class Dataset:
    """Natural values: one column for each feature, one target a row (a class label, or a number)."""

    source: str
    columns: Mapping[str, Array]
    target: Array

    def sha256(self) -> str:
        """Over every array's name, dtype, shape and bytes, so that a changed row is a changed digest."""
        digest = hashlib.sha256()
        for name, array in (*sorted(self.columns.items()), ("", self.target)):
            digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
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
    kept = np.isin(dataset.target.astype(str), job.outputs.labels)
    columns = {name: column[kept] for name, column in dataset.columns.items()}
    return Dataset(dataset.source, columns, dataset.target[kept])


def decode(dataset: Dataset, job: JobSpec) -> Rows:
    """Every row of `dataset`, decoded by the job's features.

    Raises InvalidJob where the job and the data disagree on names, InvalidInput where a value cannot be used.
    """
    missing = [feature.name for feature in job.features if feature.name not in dataset.columns]
    if missing:
        there = ", ".join(dataset.columns)
        raise InvalidJob(f"features: {dataset.source} has no column {', '.join(missing)}; there are: {there}")
    try:
        inputs = decode_columns(dataset.columns, job.features)
    except InvalidInput as error:  # its words are for a caller who sees the pointer beside them
        raise InvalidInput(f"{dataset.source}: {error.pointer}: {error}", pointer=error.pointer) from error
    if isinstance(job.outputs, Classification):
        return Rows(inputs, class_numbers(dataset.target, job.outputs))
    return Rows(inputs, target_values(dataset.target, job.outputs))


def strata(rows: Rows, outputs: Classification | Regression) -> NDArray[np.int64]:
    """What a split keeps in proportion: the classes; a regression's rows are all of one kind."""
    if isinstance(outputs, Classification):
        return rows.target.astype(np.int64)
    return np.zeros(len(rows), dtype=np.int64)


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
