"""What is learned of number columns: what stands in for absent values, and how each is brought near zero. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from serving.contract.tensors import Array
from serving.errors import InvalidInput
from training.feature_spec import TrainableNumber

FILLS: Mapping[str, Callable[[NDArray[np.float64]], float]] = MappingProxyType(
    {"mean": lambda column: float(np.nanmean(column)), "median": lambda column: float(np.nanmedian(column))}
)


@dataclass(frozen=True, slots=True)
class Scaling:
    """One element a column: (value - shift) / width, of log(1 + value) where `in_log`; `fill` is None without NaN."""

    fill: NDArray[np.float32] | None
    in_log: NDArray[np.bool_]
    shift: NDArray[np.float32]
    width: NDArray[np.float32]


def check_varies(name: str, column: Array) -> None:
    """Raises InvalidInput unless the training rows `column` hold two different values; NaN, an absent one, is none."""
    given = column[~np.isnan(column)] if column.dtype.kind == "f" else column
    if not given.size:
        raise InvalidInput(f"{name} has no value in any training row: drop it", pointer=f"/{name}")
    if (least := given.min()) == given.max():
        value = repr(least.decode(errors="replace")) if isinstance(least, bytes) else f"{least:g}"
        raise InvalidInput(f"{name} is {value} in every training row: drop it", pointer=f"/{name}")


def learn_scaling(features: Sequence[TrainableNumber], train: Array) -> Scaling:
    """From the training rows `train` [rows, features]; NaN marks an absent value there, filled before the rest."""
    columns = np.array(train, dtype=np.float64)
    fill = np.zeros(len(features))
    for place, feature in enumerate(features):
        if feature.missing:
            fill[place] = FILLS[feature.missing](columns[:, place])
    columns = np.where(np.isnan(columns), fill, columns)
    in_log = np.array([feature.scale == "log" for feature in features])
    columns[:, in_log] = np.log1p(columns[:, in_log])
    learned = [_shift_and_width(feature, column) for feature, column in zip(features, columns.T, strict=True)]
    shift, width = np.array(learned, dtype=np.float32).T
    imputes = any(feature.missing for feature in features)
    return Scaling(fill.astype(np.float32) if imputes else None, in_log, shift, width)


def _shift_and_width(feature: TrainableNumber, column: NDArray[np.float64]) -> tuple[float, float]:
    if feature.scale == "none":
        return 0.0, 1.0
    if feature.scale == "minmax":
        return float(column.min()), float(column.max() - column.min())
    return float(column.mean()), float(column.std())
