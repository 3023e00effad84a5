"""When two models are said to answer the same."""

import numpy as np
import pytest

from serving.errors import PublishError
from training.agreement import compare

ANSWERS = np.array([[100.0, 0.0], [1.0, 2.0]], dtype=np.float32)


@pytest.mark.parametrize("apart", [0.0, 9e-6, -9e-6])
def test_answers_within_the_tolerance_agree(apart: float) -> None:
    compare(ANSWERS + np.float32(apart), ANSWERS)


def test_tolerance_grows_with_the_value() -> None:
    compare(np.array([[100.0009]], dtype=np.float32), np.array([[100.0]], dtype=np.float32))


@pytest.mark.parametrize("came", [2.001, np.nan, np.inf])
def test_row_that_differs_is_refused_with_both_answers(came: float) -> None:
    exported = ANSWERS.copy()
    exported[1, 1] = came
    with pytest.raises(PublishError, match=r"answered \[1\.0, 2\.0\]; 1 of 2 rows differ"):
        compare(exported, ANSWERS)


def test_another_shape_is_refused() -> None:
    with pytest.raises(PublishError, match=r"\(2, 1\).*\(2, 2\)"):
        compare(ANSWERS[:, :1], ANSWERS)
