"""When a trained model is good enough to be published."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from serving.contract.manifest import Manifest, Metrics
from training.evaluation import score_classes, score_values
from training.publish_rules import DIRECTIONS, PublishSpec, refusal


def found(**test: float) -> Metrics:
    return Metrics(test=test, baseline={})


def live(**test: float) -> Manifest:
    """A manifest of which the rule reads only these."""
    return Manifest.model_construct(version=3, metrics=found(**test))


@pytest.mark.parametrize(
    ("metric", "ours", "theirs", "refused"),
    [
        ("accuracy", 0.96, 0.97, False),
        ("accuracy", 0.95, 0.97, True),
        ("accuracy", 0.99, 0.97, False),
        ("mae", 41.0, 40.995, False),
        ("mae", 42.0, 40.0, True),
        ("mae", 30.0, 40.0, False),
    ],
)
def test_worse_than_the_live_version_by_more_than_the_tolerance_is_refused(
    metric: str, ours: float, theirs: float, *, refused: bool
) -> None:
    rule = PublishSpec(metric=metric, tolerance=0.011)
    assert (refusal(rule, found(**{metric: ours}), live(**{metric: theirs})) is not None) is refused


def test_refusal_gives_both_figures_and_the_way_round_it() -> None:
    told = refusal(PublishSpec(metric="mae", tolerance=1), found(mae=44), live(mae=41.8))
    assert told is not None
    assert "mae is 44 and version 3, which answers now, has 41.8" in told
    assert "--force" in told


@pytest.mark.parametrize(
    ("rule", "manifest"),
    [
        (None, live(mae=1)),
        (PublishSpec(metric="mae", tolerance=0), None),
        (PublishSpec(metric="mae", tolerance=0), live(rmse=1)),
    ],
)
def test_without_anything_to_compare_nothing_is_refused(rule: PublishSpec | None, manifest: Manifest | None) -> None:
    assert refusal(rule, found(mae=99), manifest) is None


@pytest.mark.parametrize(
    ("wrong", "told"), [({"metric": "acuracy"}, "there are accuracy, log_loss"), ({"tolerance": -1}, "greater than")]
)
def test_a_rule_that_makes_no_sense_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        PublishSpec.model_validate({"metric": "mae", "tolerance": 0, **wrong})


def test_every_metric_has_a_direction() -> None:
    classes = score_classes(np.full((2, 2), 0.5), np.array([0, 1]))
    assert classes.keys() | score_values(np.ones((2, 1)), np.ones(2, np.float32)).keys() == DIRECTIONS.keys()
