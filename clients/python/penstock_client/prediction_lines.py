"""A prediction as one line, for people or as JSON. Pure."""

import json
import math
from typing import Any

from penstock_client.errors import PenstockError
from penstock_client.prediction import Prediction

RUNNERS_UP = 2


def human_line(prediction: Prediction, name: str = "") -> str:
    """`7  97.1%  (then 1 1.9%, 9 0.6%)`, or `progression = 152.3 points`, or the outputs where nothing is known."""
    return f"{name}: {_said(prediction)}" if name else _said(prediction)


def json_line(prediction: Prediction, name: str = "") -> str:
    """One JSON object with what applies to the model's task; a number that is not finite is null."""
    line: dict[str, Any] = {"input": name} if name else {}
    if prediction.probabilities:
        line["label"] = prediction.label
        line["probabilities"] = {label: _finite(score) for label, score in prediction.probabilities.items()}
    elif prediction.value is not None:
        line |= {"value": _finite(prediction.value), "unit": prediction.unit, "target": prediction.target}
    else:
        line["outputs"] = prediction.outputs
    line |= {"version": prediction.version, "request_id": prediction.request_id}
    return json.dumps(line, ensure_ascii=False)


def error_line(error: PenstockError, *, as_json: bool) -> str:
    """What stands in place of a prediction that could not be made."""
    if not as_json:
        return f"error: {error}"
    line = {"error": error.message, "code": type(error).__name__, "field": error.field, "request_id": error.request_id}
    return json.dumps(line, ensure_ascii=False)


def _said(prediction: Prediction) -> str:
    if prediction.label is not None:
        return _classified(prediction.label, prediction)
    if prediction.value is not None:
        return f"{prediction.target} = {prediction.value:.6g} {prediction.unit or ''}".rstrip()
    return json.dumps(prediction.outputs, ensure_ascii=False)


def _classified(label: str, prediction: Prediction) -> str:
    scores = prediction.probabilities
    others = sorted((other for other in scores if other != label), key=lambda other: -_or_zero(scores[other]))
    runners_up = ", ".join(f"{other} {scores[other]:.1%}" for other in others[:RUNNERS_UP])
    return f"{label}  {scores[label]:.1%}  (then {runners_up})"


def _or_zero(score: float) -> float:
    return 0.0 if math.isnan(score) else score


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
