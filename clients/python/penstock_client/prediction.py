"""A prediction as the caller reads it, made from one row of the gateway's answer and the metadata of its version.

Pure.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock_client.metadata import ModelMetadata
from penstock_client.timing import Timing

PROBABILITIES, VALUE = "probabilities", "value"
"""The outputs of a classifier and of a regressor, by Penstock's contract."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One row's answer.

    A classifier's has `label`, the most probable one, and `probabilities` by label. A regressor's has `value`, in
    `unit`, of `target`. What does not apply is None or empty: a model without a manifest has `outputs` alone.
    `outputs` holds the row as the model server gave it, by output name. A number the model could not compute is
    NaN, and never the chosen label. `timing` is where the request's time went, None where nobody said.
    """

    outputs: Mapping[str, Any]
    version: int
    request_id: str | None = None
    label: str | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    value: float | None = None
    unit: str | None = None
    target: str | None = None
    timing: Timing | None = None


def read_prediction(
    outputs: Mapping[str, Any], metadata: ModelMetadata, request_id: str | None, timing: Timing | None = None
) -> Prediction:
    """`outputs` is one row, by output. Raises KeyError, TypeError or ValueError where it does not fit the metadata."""
    if metadata.task == "classification":
        scores = [_number(score) for score in outputs[PROBABILITIES]]
        probabilities = dict(zip(metadata.labels, scores, strict=True))
        return Prediction(
            outputs,
            metadata.version,
            request_id,
            label=_most_probable(probabilities),
            probabilities=probabilities,
            timing=timing,
        )
    if metadata.task == "regression":
        [value] = outputs[VALUE]
        return Prediction(
            outputs,
            metadata.version,
            request_id,
            value=_number(value),
            unit=metadata.unit,
            target=metadata.target,
            timing=timing,
        )
    return Prediction(outputs, metadata.version, request_id, timing=timing)


def _number(value: float | None) -> float:
    """A non-finite output travels as null."""
    return math.nan if value is None else float(value)


def _most_probable(probabilities: Mapping[str, float]) -> str | None:
    known = {label: probability for label, probability in probabilities.items() if not math.isnan(probability)}
    return max(known, key=known.__getitem__, default=None)
