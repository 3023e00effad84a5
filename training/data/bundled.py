"""Real data that ships inside scikit-learn, so that a first run needs no network."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import sklearn
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

from training.data.dataset import Dataset
from training.data.spec import BundledSpec


def read_bundled(spec: BundledSpec) -> Dataset:
    """A table's columns have scikit-learn's names, `_` for what is neither letter nor digit."""
    return LOADERS[spec.name]()


def _digits() -> Dataset:
    """1,797 handwritten digits, 8x8 counts of ink from 0 to 16 (UCI, Alpaydin and Kaynak 1998)."""
    bunch = load_digits()
    return Dataset(
        source=f"scikit-learn {sklearn.__version__} load_digits()",
        columns={"image": bunch.images},
        target=bunch.target.astype(str),
    )


def _diabetes() -> Dataset:
    """442 patients in natural units and their disease's progression after a year (Efron et al. 2004)."""
    bunch = load_diabetes(scaled=False)
    return Dataset(
        source=f"scikit-learn {sklearn.__version__} load_diabetes(scaled=False)",
        columns={name: bunch.data[:, column] for column, name in enumerate(bunch.feature_names)},
        target=bunch.target,
    )


def _classes(load: Callable[[], Any]) -> Callable[[], Dataset]:
    def loader() -> Dataset:
        bunch = load()
        names = ["".join(c if c.isalnum() else "_" for c in name).strip("_") for name in bunch.feature_names]
        return Dataset(
            source=f"scikit-learn {sklearn.__version__} {load.__name__}()",
            columns={name: bunch.data[:, column] for column, name in enumerate(names)},
            target=bunch.target_names[bunch.target].astype(str),
        )

    return loader


LOADERS: Mapping[str, Callable[[], Dataset]] = MappingProxyType(
    {
        "digits": _digits,
        "diabetes": _diabetes,
        "iris": _classes(load_iris),
        "wine": _classes(load_wine),
        "breast_cancer": _classes(load_breast_cancer),
    }
)
