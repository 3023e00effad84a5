"""Predicted beside observed."""

import pytest

from serving.batching.accuracy import Accuracy


def test_nothing_is_said_before_there_is_something_to_compare() -> None:
    accuracy = Accuracy()
    assert (accuracy.predicted_seconds, accuracy.observed_seconds, accuracy.error) == (None, None, None)


def test_the_error_is_relative_and_moves_with_the_newest() -> None:
    accuracy = Accuracy()
    accuracy.observe(1.5, 1.0)
    assert accuracy.error == pytest.approx(0.5)
    for _ in range(200):
        accuracy.observe(2.2, 2.0)
    assert accuracy.error == pytest.approx(0.1, rel=0.01)
    assert accuracy.predicted_seconds == pytest.approx(2.2, rel=0.01)
    assert accuracy.observed_seconds == pytest.approx(2.0, rel=0.01)
