"""When two models are said to answer the same."""

import numpy as np
import pytest

from serving.contract.manifest import Tolerance
from serving.errors import PublishError
from training.agreement import FLOAT32_TOLERANCE, HALF_DEVIATIONS, HALF_PROBABILITY, compare, export_facts
from training.job import JobSpec
from training.overrides import override

ANSWERS = np.array([[100.0, 0.0], [1.0, 2.0]], dtype=np.float32)


@pytest.mark.parametrize("apart", [0.0, 9e-6, -9e-6])
def test_answers_within_the_tolerance_agree(apart: float) -> None:
    compare(ANSWERS + np.float32(apart), ANSWERS, FLOAT32_TOLERANCE)


def test_tolerance_grows_with_the_value() -> None:
    hundred = np.array([[100.0]], dtype=np.float32)
    compare(np.array([[100.0009]], dtype=np.float32), hundred, FLOAT32_TOLERANCE)
    with pytest.raises(PublishError):
        compare(np.array([[100.0009]], dtype=np.float32), hundred, Tolerance(absolute=1e-5, relative=0))


@pytest.mark.parametrize("came", [2.001, np.nan, np.inf])
def test_row_that_differs_is_refused_with_both_answers(came: float) -> None:
    exported = ANSWERS.copy()
    exported[1, 1] = came
    with pytest.raises(PublishError, match=r"test row 1: .* answered \[1\.0, 2\.0\], .*; 1 of 2 rows differ"):
        compare(exported, ANSWERS, FLOAT32_TOLERANCE)


def test_refusal_names_the_difference_and_what_is_allowed() -> None:
    with pytest.raises(PublishError, match=r"0\.5 apart, 0\.25 \+ 0\*\|b\| allowed"):
        compare(ANSWERS + np.float32(0.5), ANSWERS, Tolerance(absolute=0.25, relative=0))


def test_another_shape_is_refused() -> None:
    with pytest.raises(PublishError, match=r"\(2, 1\).*\(2, 2\)"):
        compare(ANSWERS[:, :1], ANSWERS, FLOAT32_TOLERANCE)


def test_float32_is_held_to_the_order_of_additions(regression_job: JobSpec) -> None:
    facts = export_facts(regression_job, np.array([0.0, 200.0], np.float32))
    assert (facts.profile, facts.allowed_batch_rows, facts.tolerance) == ("cpu", (), FLOAT32_TOLERANCE)


def test_float16_is_held_to_a_part_of_the_targets_deviation(regression_job: JobSpec) -> None:
    job = override(regression_job, ["export.profile=gpu", "export.batch_rows=[1, 8]"], "f")
    facts = export_facts(job, np.array([0.0, 200.0], np.float32))
    assert (facts.profile, facts.allowed_batch_rows) == ("gpu", (1, 8))
    assert facts.tolerance == Tolerance(absolute=100 * HALF_DEVIATIONS, relative=0)


def test_probabilities_in_float16_are_held_to_one_figure(classification_job: JobSpec) -> None:
    job = override(classification_job, ["export.profile=gpu"], "f")
    assert export_facts(job, np.array([0, 2])).tolerance == Tolerance(absolute=HALF_PROBABILITY, relative=0)
