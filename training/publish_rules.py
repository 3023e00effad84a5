"""Whether a trained model may become a version: not when it is worse than the one that answers now.

Pure: figures in, a refusal out.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, field_validator

from serving.contract.features import Fact
from serving.contract.manifest import Manifest, Metrics

DIRECTIONS: Mapping[str, Literal["higher", "lower"]] = MappingProxyType(
    {"accuracy": "higher", "log_loss": "lower", "mae": "lower", "rmse": "lower"}
)
"""Which way each metric of `evaluation.py` is better."""


class PublishSpec(Fact):
    """A version is refused when `metric` on its test split is worse by more than `tolerance`, in the metric's unit."""

    metric: str
    tolerance: Annotated[float, Field(ge=0)]

    @field_validator("metric")
    @classmethod
    def _is_a_metric(cls, metric: str) -> str:
        if metric not in DIRECTIONS:
            raise ValueError(f"there are {', '.join(DIRECTIONS)}")
        return metric


def refusal(rule: PublishSpec | None, found: Metrics, live: Manifest | None) -> str | None:
    """Why the model should not be published, or None: also where there is no rule, live version or figure of its."""
    if rule is None or live is None or rule.metric not in live.metrics.test:
        return None
    ours, theirs = found.test[rule.metric], live.metrics.test[rule.metric]
    worse_by = theirs - ours if DIRECTIONS[rule.metric] == "higher" else ours - theirs
    if worse_by <= rule.tolerance:
        return None
    return (
        f"not published: {rule.metric} is {ours:.4g} and version {live.version}, which answers now, has {theirs:.4g}; "
        f"up to {rule.tolerance:g} worse is allowed (publish.tolerance). --force publishes it all the same"
    )
