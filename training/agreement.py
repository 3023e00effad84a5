"""Whether two models' answers are the same numbers. Pure."""

import numpy as np
from numpy.typing import NDArray

from serving.contract.manifest import Tolerance
from serving.errors import PublishError

EXPORT_TOLERANCE = Tolerance(absolute=1e-5, relative=1e-5)
"""The same weights on the same machine in float32: what is left is the order of a few additions."""


def compare(exported: NDArray[np.float32], keras_model: NDArray[np.float32]) -> None:
    """Raises PublishError unless both are [rows, values] of one shape and each pair is within EXPORT_TOLERANCE."""
    if exported.shape != keras_model.shape:
        raise PublishError(f"the exported model answers {exported.shape}, the Keras model {keras_model.shape}")
    allowed = EXPORT_TOLERANCE.absolute + EXPORT_TOLERANCE.relative * np.abs(keras_model)
    # the negation of "within", so that a NaN on either side is outside
    outside = ~(np.abs(exported - keras_model) <= allowed).all(axis=1)
    if outside.any():
        row = int(np.argmax(outside))
        raise PublishError(
            f"the exported model answers {exported[row].tolist()} where the Keras model answered"
            f" {keras_model[row].tolist()}; {int(outside.sum())} of {len(exported)} rows differ"
        )
