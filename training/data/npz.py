"""Rows from the arrays of one .npz file, as numpy saves them. Nothing in it is unpickled."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from serving.contract.tensors import Array
from serving.errors import InvalidJob
from training.data.dataset import Dataset
from training.data.spec import NpzSpec

KERAS_PARTS = ("train", "test")
"""How Keras names the halves of an array: `x_train` and `x_test`."""


def read_npz(spec: NpzSpec) -> Dataset:
    """Where every name of `arrays` has two parts and the second ends in `test`, those rows are the data's own test
    rows. Raises InvalidJob for a file or array that is not there, or lengths that differ.
    """
    path = Path(spec.path)
    arrays = open_npz(path)
    columns = {name: joined(path, arrays, parts) for name, parts in spec.arrays.items()}
    target = joined(path, arrays, spec.target)
    for name, column in columns.items():
        if len(column) != len(target):
            raise InvalidJob(f"{path}: {name} has {len(column)} rows, the target {len(target)}")
    names_test_rows = len(spec.target) == len(KERAS_PARTS) and spec.target[1].endswith("test")
    return Dataset(
        source=f"npz {path.name}",
        columns=columns,
        target=target if target.dtype.kind == "f" else target.astype(str),
        held_out=np.arange(len(target)) >= len(arrays[spec.target[0]]) if names_test_rows else None,
    )


def open_npz(path: Path) -> dict[str, Array]:
    """Every array of `path` by its name."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except OSError as error:
        raise InvalidJob(f"data.path: {path}: {error.strerror or error}") from error
    except (ValueError, BadZipFile, AttributeError, EOFError) as error:
        raise InvalidJob(f"data.path: {path} is not an .npz file of plain arrays: {error}") from error


def joined(path: Path, arrays: Mapping[str, Array], names: Sequence[str]) -> Array:
    """The named arrays, one after the other."""
    missing = [name for name in names if name not in arrays]
    if missing:
        raise InvalidJob(f"{path} has no array {', '.join(missing)}; there are: {', '.join(arrays)}")
    try:
        return np.concatenate([arrays[name] for name in names])
    except ValueError as error:
        raise InvalidJob(f"{path}: {', '.join(names)} cannot be joined: {error}") from error
