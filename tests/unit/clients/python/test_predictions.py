"""Many predictions as one sequence over the parts that came."""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from penstock_client.errors import UnexpectedAnswer
from penstock_client.metadata import parse_metadata
from penstock_client.predictions import Predictions, columns_of, read_answered

Metadata = Callable[..., dict[str, Any]]
SCORES = ([1, 0, 0], [0, 1, 0], [0, 0, 1])


def two_parts(shapes: Metadata) -> Predictions:
    """Three rows: the first answered by version 4, then two by version 3."""
    newer, older = parse_metadata(shapes(4)), parse_metadata(shapes(3))
    return Predictions(
        [
            read_answered({"probabilities": SCORES[:1]}, newer, 1, "r-1"),
            read_answered({"probabilities": SCORES[1:]}, older, 2, "r-2"),
        ]
    )


def test_rows_come_in_order_from_whichever_part_has_them(shapes_metadata: Metadata) -> None:
    predictions = two_parts(shapes_metadata)
    assert len(predictions) == 3
    assert [each.label for each in predictions] == ["circle", "square", "star"]
    assert [each.request_id for each in predictions] == ["r-1", "r-2", "r-2"]
    assert predictions[-1] == predictions[2]
    assert predictions[1:] == [predictions[1], predictions[2]]
    assert predictions.versions == (3, 4)


@pytest.mark.parametrize("place", [3, -4])
def test_a_row_that_is_not_there_is_an_index_error(shapes_metadata: Metadata, place: int) -> None:
    with pytest.raises(IndexError, match="of 3 predictions"):
        two_parts(shapes_metadata)[place]


def test_no_rows_are_no_predictions() -> None:
    assert list(Predictions(())) == []


def test_rows_of_an_array_are_read_like_lists(house_metadata: Metadata) -> None:
    answered = read_answered({"value": np.array([[1.5], [2.5]], np.float32)}, parse_metadata(house_metadata()), 2, None)
    second = Predictions([answered])[1]
    assert (second.value, second.outputs) == (2.5, {"value": [2.5]})


@pytest.mark.parametrize("column", [[[1, 0, 0]], [[1, 0], [0, 1]], np.zeros((2, 4)), np.zeros(2), [1, 2]])
def test_another_number_of_rows_or_labels_is_noticed_at_once(shapes_metadata: Metadata, column: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        read_answered({"probabilities": column}, parse_metadata(shapes_metadata()), 2, None)


def test_a_value_of_another_kind_is_noticed_when_it_is_read(shapes_metadata: Metadata) -> None:
    answered = read_answered({"probabilities": [["high", 0, 0]]}, parse_metadata(shapes_metadata()), 1, None)
    with pytest.raises(UnexpectedAnswer, match="the prediction is not as"):
        answered.prediction(0)


def test_with_several_outputs_each_becomes_a_column() -> None:
    rows = [{"mean": [1.0], "spread": [0.5]}, {"mean": [2.0], "spread": [0.1]}]
    assert columns_of(rows, ("mean", "spread")) == {"mean": [[1.0], [2.0]], "spread": [[0.5], [0.1]]}


def test_they_travel_between_processes(shapes_metadata: Metadata) -> None:
    predictions = two_parts(shapes_metadata)
    assert list(pickle.loads(pickle.dumps(predictions))) == list(predictions)  # noqa: S301  # our own bytes
