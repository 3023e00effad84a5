"""How well the predictions do: predicted beside observed, and the moving error between them.

Pure.
"""

WEIGHT = 0.05
"""Of the newest pair: the figures look back over some twenty."""


class Accuracy:
    """Moving means in seconds, and of |predicted - observed| / observed; None before the first pair."""

    __slots__ = ("error", "observed_seconds", "predicted_seconds")

    def __init__(self) -> None:
        self.predicted_seconds: float | None = None
        self.observed_seconds: float | None = None
        self.error: float | None = None

    def observe(self, predicted_seconds: float, observed_seconds: float) -> None:
        error = abs(predicted_seconds - observed_seconds) / max(observed_seconds, 1e-9)
        self.predicted_seconds = _moved(self.predicted_seconds, predicted_seconds)
        self.observed_seconds = _moved(self.observed_seconds, observed_seconds)
        self.error = _moved(self.error, error)


def _moved(mean: float | None, value: float) -> float:
    return value if mean is None else mean + WEIGHT * (value - mean)
