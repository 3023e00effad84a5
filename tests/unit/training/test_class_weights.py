"""How much each class counts, from a job file and the training rows."""

from typing import Any

import numpy as np
import pytest

from serving.errors import InvalidInput, InvalidJob
from training.class_weights import class_weights
from training.job import JobSpec, parse_job

Content = dict[str, Any]
TARGET = np.array([0, 0, 0, 0, 0, 1, 1, 1, 2, 2], dtype=np.int64)


def weighted(content: Content, weights: Any) -> JobSpec:
    content["fit"]["class_weights"] = weights
    return parse_job(content, "mine.toml")


def test_no_weights_unless_asked(classification_job: JobSpec) -> None:
    assert class_weights(classification_job, TARGET) is None


def test_balanced_classes_count_the_same_in_all_and_a_row_one_on_average(content: Content) -> None:
    weights = class_weights(weighted(content, "balanced"), TARGET)
    assert weights is not None
    totals = [weights[number] * TARGET.tolist().count(number) for number in range(3)]
    assert totals == pytest.approx([len(TARGET) / 3] * 3)


def test_labels_without_a_weight_weigh_one(content: Content) -> None:
    assert class_weights(weighted(content, {"b": 2.5}), TARGET) == {0: 1.0, 1: 2.5, 2: 1.0}


def test_class_without_a_training_row_cannot_be_balanced(content: Content) -> None:
    with pytest.raises(InvalidInput, match="no training row is c; balance needs one of each"):
        class_weights(weighted(content, "balanced"), TARGET[:8])


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ({"b": 2, "z": 1}, "fit.class_weights: no label z; there are a, b, c"),
        ({"b": -1}, "fit.class_weights.b: Input should be greater than 0, got -1"),
        ("balance", "fit.class_weights: Input should be 'balanced', got 'balance'"),
    ],
)
def test_wrong_weights_are_refused(content: Content, weights: Any, told: str) -> None:
    with pytest.raises(InvalidJob) as refused:
        weighted(content, weights)
    assert str(refused.value) == f"mine.toml: {told}"


def test_regression_has_no_classes(regression_content: Content) -> None:
    with pytest.raises(InvalidJob, match=r"fit\.class_weights: a regression has no classes"):
        weighted(regression_content, "balanced")
