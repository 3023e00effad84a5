"""When a trained model is good enough to be published."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from serving.contract.manifest import Classification, Manifest, Metrics, Regression
from serving.errors import InvalidJob
from training.evaluation.classification import score_classes
from training.evaluation.regression import score_values
from training.job import parse_job
from training.publish_rules import DIRECTIONS, PublishSpec, refusal


def found(**test: float) -> Metrics:
    return Metrics(test=test, baseline={})


def live(**test: float) -> Manifest:
    """A manifest of which the rule reads only these."""
    outputs = Classification(labels=("a", "b")) if "accuracy" in test else Regression(target="t")
    return Manifest.model_construct(version=3, outputs=outputs, metrics=found(**test))


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


def test_an_undefined_figure_is_refused() -> None:
    told = refusal(PublishSpec(metric="mae", tolerance=0), found(), live(mae=1))
    assert told is not None
    assert "mae is undefined" in told


def test_a_metric_of_another_task_is_refused_with_those_of_this_one(content: dict[str, Any]) -> None:
    with pytest.raises(InvalidJob, match=r"publish\.metric: no 'mae' in classification; there are accuracy, log_loss"):
        parse_job({**content, "publish": {"metric": "mae", "tolerance": 0}}, "mine.toml")


def test_a_tolerance_is_not_negative() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        PublishSpec(metric="mae", tolerance=-1)


def test_every_metric_has_a_direction() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert score_classes(probabilities, np.array([0, 1])).keys() == DIRECTIONS["classification"].keys()
    values = score_values(np.array([[1.0], [2.0]]), np.array([1, 2], np.float32))
    assert values.keys() == DIRECTIONS["regression"].keys()
