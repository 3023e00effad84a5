"""Predictions as the prediction log keeps them."""

from typing import Any

import numpy as np

from serving.observability.prediction_records import LoggedPrediction, Source

SOURCE = Source("digits", 3, "serving_default")


def prediction(request_id: str = "mine-7", rows: int = 1, **different: Any) -> LoggedPrediction:
    """Rows numbered from 0: `x` is a row's number, `probabilities` two of them."""
    numbers = np.arange(rows, dtype=np.float32)
    made = LoggedPrediction(
        SOURCE, request_id, 100.0, {"x": numbers}, {"probabilities": np.stack([numbers, numbers + 0.5], axis=1)}
    )
    return made._replace(**different)
