"""Whether two models' answers are the same numbers. Pure."""

import numpy as np
from numpy.typing import NDArray

from serving.contract.manifest import Classification, Export, Tolerance
from serving.errors import PublishError
from training.job import JobSpec

FLOAT32_TOLERANCE = Tolerance(absolute=1e-5, relative=1e-5)
"""The same weights on the same machine in float32: what is left is the order of a few additions."""
HALF_PROBABILITY = 0.01
"""For mixed float16: the digits' two networks came within 0.0022, over 180 rows and several seeds."""
HALF_DEVIATIONS = 0.01
"""For mixed float16, in standard deviations of the training split's target: diabetes came within 0.00075."""


def export_facts(job: JobSpec, train_target: NDArray[np.generic]) -> Export:
    """What the manifest says of the job's export: how it is made, and how far its answers may lie from the float32
    Keras model's.
    """
    return Export(
        profile=job.export.profile,
        allowed_batch_rows=job.export.allowed_batch_rows,
        tolerance=_tolerance(job, train_target),
    )


def _tolerance(job: JobSpec, train_target: NDArray[np.generic]) -> Tolerance:
    if job.export.profile == "cpu":
        return FLOAT32_TOLERANCE
    if isinstance(job.outputs, Classification):
        return Tolerance(absolute=HALF_PROBABILITY, relative=0)
    return Tolerance(absolute=HALF_DEVIATIONS * float(train_target.astype(np.float64).std()), relative=0)


def compare(exported: NDArray[np.float32], keras_model: NDArray[np.float32], tolerance: Tolerance) -> None:
    """Raises PublishError, naming the first row, unless both are [rows, values] of one shape and each pair is within
    `tolerance`.
    """
    if exported.shape != keras_model.shape:
        raise PublishError(f"the exported model answers {exported.shape}, the Keras model {keras_model.shape}")
    allowed = tolerance.absolute + tolerance.relative * np.abs(keras_model)
    apart = np.abs(exported - keras_model)
    # the negation of "within", so that a NaN on either side is outside
    outside = ~(apart <= allowed).all(axis=1)
    if outside.any():
        row = int(np.argmax(outside))
        raise PublishError(
            f"test row {row}: the exported model answers {exported[row].tolist()} where the Keras model answered"
            f" {keras_model[row].tolist()}, {apart[row].max():.3g} apart, {tolerance.absolute:.3g} +"
            f" {tolerance.relative:g}*|b| allowed; {int(outside.sum())} of {len(exported)} rows differ"
        )
