"""Real data that ships inside scikit-learn, so that a first run needs no network."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import sklearn
from sklearn.datasets import load_diabetes, load_digits

from training.data.dataset import Dataset
from training.data.spec import DataSpec


def read_bundled(spec: DataSpec) -> Dataset:
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


LOADERS: Mapping[str, Callable[[], Dataset]] = MappingProxyType({"digits": _digits, "diabetes": _diabetes})
