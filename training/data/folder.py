"""Rows from files in folders named after their class: images or texts."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from serving.contract.features import ImageFeature, TextFeature
from serving.errors import InvalidInput, InvalidJob
from training.data.dataset import Dataset
from training.data.spec import FolderSpec
from training.feature_spec import TrainableFeature

HELD_OUT = "test"
"""A folder of this name above the class's holds the data's own test rows, as in `test/cat/3.png`."""


def read_folder(spec: FolderSpec, features: Sequence[TrainableFeature]) -> Dataset:
    """One row a file, its class being the name of its folder; hidden files are passed over. Images are kept as their
    bytes, texts as str. Raises InvalidJob for a folder without files, or features other than one image or text.
    """
    if len(features) != 1 or not isinstance(features[0], ImageFeature | TextFeature):
        raise InvalidJob("features: a folder's files are one feature, an image or a text")
    feature, root = features[0], Path(spec.path)
    return _read(root, feature.name, f"folder {root.name}", as_text=isinstance(feature, TextFeature))


def read_text_folder(root: Path, name: str, source: str) -> Dataset:
    """As `read_folder`, every file a text of the feature `name`."""
    return _read(root, name, source, as_text=True)


def _read(root: Path, name: str, source: str, *, as_text: bool) -> Dataset:
    files = sorted(file for file in root.rglob("*") if file.is_file() and not file.name.startswith("."))
    files = [file for file in files if file.parent != root]
    if not files:
        raise InvalidJob(f"data.path: {root} has no files in folders named after their class")
    values = np.empty(len(files), dtype=object)
    for row, file in enumerate(files):
        values[row] = _text(file, root) if as_text else file.read_bytes()
    held_out = np.array([HELD_OUT in file.relative_to(root).parts[:-2] for file in files], dtype=np.bool_)
    return Dataset(
        source=source,
        columns={name: values},
        target=np.array([file.parent.name for file in files]),
        held_out=held_out if held_out.any() else None,
    )


def _text(file: Path, root: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file.relative_to(root)} is not UTF-8: {error.reason}", pointer="") from error
