"""Whether a trained model may become a version: not when it is worse than the one that answers now.

Pure: figures in, a refusal out.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from serving.contract.features import Fact
from serving.contract.manifest import Manifest, Metrics
from serving.errors import PublishError

DIRECTIONS: Mapping[str, Mapping[str, Literal["higher", "lower"]]] = MappingProxyType(
    {
        "classification": MappingProxyType(
            {
                "accuracy": "higher",
                "log_loss": "lower",
                "precision": "higher",
                "recall": "higher",
                "f1": "higher",
                "f2": "higher",
                "roc_auc": "higher",
                "pr_auc": "higher",
                "calibration_error": "lower",
            }
        ),
        "regression": MappingProxyType({"mae": "lower", "rmse": "lower", "mse": "lower", "r2": "higher"}),
    }
)
"""By task, which way each metric of `training/evaluation` is better."""


class PublishSpec(Fact):
    """A version is refused when `metric` on its test split is worse by more than `tolerance`, in the metric's unit."""

    metric: str
    tolerance: Annotated[float, Field(ge=0)]


def refuse_worse(rule: PublishSpec | None, found: Metrics, live: Manifest | None) -> None:
    """Raises PublishError when the rule finds the model worse than the `live` version."""
    if told := refusal(rule, found, live):
        raise PublishError(told)


def refusal(rule: PublishSpec | None, found: Metrics, live: Manifest | None) -> str | None:
    """Why the model should not be published, or None: also where there is no rule, live version or figure of its."""
    if rule is None or live is None or rule.metric not in live.metrics.test:
        return None
    theirs = live.metrics.test[rule.metric]
    if rule.metric not in found.test:
        return f"not published: {rule.metric} is undefined for this model's answers. --force publishes it all the same"
    ours = found.test[rule.metric]
    worse_by = theirs - ours if DIRECTIONS[live.task][rule.metric] == "higher" else ours - theirs
    if worse_by <= rule.tolerance:
        return None
    return (
        f"not published: {rule.metric} is {ours:.4g} and version {live.version}, which answers now, has {theirs:.4g}; "
        f"up to {rule.tolerance:g} worse is allowed (publish.tolerance). --force publishes it all the same"
    )
