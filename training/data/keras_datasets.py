"""The data sets of `keras.datasets`, from Keras's own cache and download, or from a file or folder that is there."""

import gzip
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import keras
import numpy as np

from serving.contract.tensors import Array
from serving.errors import InvalidJob
from training.data.dataset import Dataset
from training.data.downloads import downloaded
from training.data.folder import read_text_folder
from training.data.npz import joined, open_npz
from training.data.spec import KerasSpec

CALIFORNIA = (
    "longitude",
    "latitude",
    "housing_median_age",
    "total_rooms",
    "total_bedrooms",
    "population",
    "households",
    "median_income",
)
"""The columns of the array `x`, in Keras's order."""

GARMENTS = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
"""Fashion-MNIST's classes by their numbers: https://github.com/zalandoresearch/fashion-mnist"""

FIRST_WORD = 3
"""IMDB's rows are word numbers plus this: below are padding, start and unknown."""


def read_keras(spec: KerasSpec) -> Dataset:
    """`image` uint8 [rows, 28, 28] for the MNISTs, `review` texts for IMDB, eight columns for California housing.

    Keras's own test rows are named as such (all but California, which has none). Raises InvalidJob where the data is
    neither here nor to be downloaded.
    """
    if spec.path is not None and not Path(spec.path).exists():
        raise InvalidJob(f"data.path: {spec.path} is not there")
    return READERS[spec.name](spec)


def _images(spec: KerasSpec, download: Callable[[], Any]) -> Dataset:
    if spec.path is None:
        (x_train, y_train), (x_test, y_test) = _downloaded(spec, download)
    else:
        x_train, y_train, x_test, y_test = _local_images(Path(spec.path))
    return Dataset(
        source=_source(spec),
        columns={"image": np.concatenate([x_train, x_test])},
        target=_classes(spec, np.concatenate([y_train, y_test])),
        held_out=np.arange(len(y_train) + len(y_test)) >= len(y_train),
    )


def _classes(spec: KerasSpec, numbers: Array) -> Array:
    return np.array(GARMENTS)[numbers] if spec.name == "fashion_mnist" else numbers.astype(str)


def _local_images(path: Path) -> tuple[Array, Array, Array, Array]:
    if path.is_dir():
        train, test = (_idx_pair(path, prefix) for prefix in ("train", "t10k"))
        return (*train, *test)
    arrays = open_npz(path)
    x_train, y_train, x_test, y_test = (
        joined(path, arrays, [name]) for name in ("x_train", "y_train", "x_test", "y_test")
    )
    return x_train, y_train, x_test, y_test


def _idx_pair(folder: Path, prefix: str) -> tuple[Array, Array]:
    """Images and labels in MNIST's own format: http://yann.lecun.com/exdb/mnist/ (IDX, big-endian header)."""
    try:
        with gzip.open(folder / f"{prefix}-labels-idx1-ubyte.gz") as file:
            labels = np.frombuffer(file.read(), np.uint8, offset=8)
        with gzip.open(folder / f"{prefix}-images-idx3-ubyte.gz") as file:
            pixels = np.frombuffer(file.read(), np.uint8, offset=16)
        return pixels.reshape(len(labels), 28, 28), labels
    except (OSError, EOFError, ValueError) as error:
        raise InvalidJob(f"data.path: {folder}: {error}") from error


def _imdb(spec: KerasSpec) -> Dataset:
    if spec.path is not None:
        return read_text_folder(Path(spec.path), "review", _source(spec))
    (x_train, y_train), (x_test, y_test) = _downloaded(spec, keras.datasets.imdb.load_data)
    numbers: Mapping[str, int] = _downloaded(spec, keras.datasets.imdb.get_word_index)
    words = {number + FIRST_WORD: word for word, number in numbers.items()}
    reviews = [" ".join(words.get(number, "") for number in row[1:]) for row in (*x_train, *x_test)]
    return Dataset(
        source=_source(spec),
        columns={"review": np.array(reviews, dtype=object)},
        target=np.array(["neg", "pos"])[np.concatenate([y_train, y_test])],
        held_out=np.arange(len(reviews)) >= len(x_train),
    )


def _california(spec: KerasSpec) -> Dataset:
    if spec.path is not None:
        arrays = open_npz(Path(spec.path))
        x, y = (joined(Path(spec.path), arrays, [name]) for name in ("x", "y"))
    else:
        (x_train, y_train), (x_test, y_test) = _downloaded(spec, keras.datasets.california_housing.load_data)
        x, y = np.concatenate([x_train, x_test]), np.concatenate([y_train, y_test])
    columns = {name: x[:, place].astype(np.float64) for place, name in enumerate(CALIFORNIA)}
    return Dataset(source=_source(spec), columns=columns, target=y)


def _downloaded(spec: KerasSpec, download: Callable[[], Any]) -> Any:
    return downloaded(f"keras.datasets.{spec.name}", download, LOCAL_FORMS[spec.name])


def _source(spec: KerasSpec) -> str:
    return f"keras.datasets.{spec.name}" + (f" ({Path(spec.path).name})" if spec.path else "")


READERS: Mapping[str, Callable[[KerasSpec], Dataset]] = MappingProxyType(
    {
        "mnist": lambda spec: _images(spec, keras.datasets.mnist.load_data),
        "fashion_mnist": lambda spec: _images(spec, keras.datasets.fashion_mnist.load_data),
        "imdb": _imdb,
        "california_housing": _california,
    }
)

_IMAGE_FORMS = "an .npz with x_train, y_train, x_test and y_test, or a folder with the four idx .gz files"
LOCAL_FORMS: Mapping[str, str] = MappingProxyType(
    {
        "mnist": _IMAGE_FORMS,
        "fashion_mnist": _IMAGE_FORMS,
        "imdb": "a folder of texts, train/neg, train/pos, test/neg and test/pos, as its authors distribute it",
        "california_housing": "an .npz with x [rows, 8] and y [rows]",
    }
)
"""What `data.path` may be, by name."""
