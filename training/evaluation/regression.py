"""Figures of a regressor. Pure: values [rows, 1] against numbers [rows]."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

Truth = NDArray[np.int64] | NDArray[np.float32]


def score_values(values: NDArray[np.floating], truth: Truth) -> dict[str, float]:
    """`mae` and `rmse` in the target's unit, `mse` in its square; `r2` is the share of the target's variance that is
    explained, left out where the target never varies.
    """
    predicted, true = values[:, 0].astype(np.float64), truth.astype(np.float64)
    mse = float(mean_squared_error(true, predicted))
    scores = {"mae": float(mean_absolute_error(true, predicted)), "rmse": mse**0.5, "mse": mse}
    if true.min() < true.max():
        scores["r2"] = float(r2_score(true, predicted))
    return scores


def residuals(values: NDArray[np.floating], truth: Truth) -> NDArray[np.float64]:
    """[rows]: what was predicted less what is true, in the target's unit."""
    return values[:, 0].astype(np.float64) - truth.astype(np.float64)
