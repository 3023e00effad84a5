"""A Prediction as an object."""

import dataclasses
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from penstock_client.metadata import parse_metadata
from penstock_client.prediction import Prediction, read_prediction


def test_it_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Prediction(outputs={}, version=1).label = "other"  # type: ignore[misc]  # the claim is that this fails


def test_it_travels_between_processes(shapes_metadata: Callable[..., Any]) -> None:
    prediction = read_prediction({"probabilities": [0.1, 0.7, 0.2]}, parse_metadata(shapes_metadata()), "r-1")
    assert pickle.loads(pickle.dumps(prediction)) == prediction  # noqa: S301  # our own bytes


def test_a_score_that_is_not_a_number_is_never_the_label(shapes_metadata: Callable[..., Any]) -> None:
    metadata = parse_metadata(shapes_metadata())
    assert read_prediction({"probabilities": [None, 0.3, 0.2]}, metadata, None).label == "square"
    assert read_prediction({"probabilities": [None, None, None]}, metadata, None).label is None
