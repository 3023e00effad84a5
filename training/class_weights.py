"""How much each class counts in the training loss."""

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

from serving.contract.manifest import Classification
from serving.errors import InvalidInput
from training.job import JobSpec


def class_weights(job: JobSpec, train_target: NDArray[np.int64] | NDArray[np.float32]) -> dict[int, float] | None:
    """By class number, as Keras's `fit` takes them; None where the job asks for nothing.

    Raises InvalidInput where weights are to be balanced and a class has no training row.
    """
    asked = job.fit.class_weights
    if asked is None or not isinstance(job.outputs, Classification):
        return None
    labels = job.outputs.labels
    if asked != "balanced":
        return {number: asked.get(label, 1.0) for number, label in enumerate(labels)}
    missing = [label for number, label in enumerate(labels) if number not in train_target]
    if missing:
        raise InvalidInput(f"fit.class_weights: no training row is {', '.join(missing)}; balance needs one of each")
    numbers = np.arange(len(labels))
    weights = compute_class_weight("balanced", classes=numbers, y=train_target)
    return {int(number): float(weight) for number, weight in zip(numbers, weights, strict=True)}
