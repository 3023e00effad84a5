"""What is learned of number columns."""

import numpy as np
import pytest

from training.feature_spec import TrainableNumber
from training.scaling import learn_scaling


def test_each_column_is_scaled_its_own_way() -> None:
    features = [
        TrainableNumber(name="a"),
        TrainableNumber(name="b", scale="minmax"),
        TrainableNumber(name="c", scale="log", range=(0, 10)),
        TrainableNumber(name="d", scale="none"),
    ]
    learned = learn_scaling(features, np.repeat([[0.0], [3.0]], 4, axis=1))
    assert learned.shift == pytest.approx([1.5, 0, np.log(4) / 2, 0])
    assert learned.width == pytest.approx([1.5, 3, np.log(4) / 2, 1])
    assert learned.in_log.tolist() == [False, False, True, False]
    assert learned.fill is None


def test_absent_values_are_filled_with_what_the_given_ones_say() -> None:
    features = [TrainableNumber(name="a", missing="mean"), TrainableNumber(name="b", missing="median")]
    learned = learn_scaling(features, np.array([[1, 1], [2, 2], [6, 6], [np.nan, np.nan]]))
    assert learned.fill is not None
    assert learned.fill.tolist() == [3, 2]
