"""Pandas as input and output: frames and series to rows, predictions to frames and arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from penstock_client import extras
from penstock_client.frames import FrameRows
from penstock_client.inputs import render_instances, split_rows
from penstock_client.metadata import Feature, ModelMetadata, parse_metadata
from penstock_client.npy import read_npy, write_npy
from penstock_client.number_rows import npy_body
from penstock_client.predictions import Column, Predictions, read_answered

Metadata = Callable[..., dict[str, Any]]
X, Y = Feature(kind="number", name="x", dtype="float32"), Feature(kind="number", name="y", dtype="int64")
TOWN = Feature(kind="category", name="town", dtype="string")
TEXT = Feature(kind="text", name="review", dtype="string")
NUMBERS = ModelMetadata("m", 1, (X, Y), ("value",), manifest={"task": "regression"})


def no_files(path: object) -> bytes:
    raise AssertionError(path)


def sent(inputs: Any, *features: Feature) -> bytes:
    return render_instances(split_rows(inputs, features), no_files)


def test_a_frame_is_many_records_of_plain_values() -> None:
    frame = pd.DataFrame({"town": ["Oslo", "Rome"], "x": np.array([1.5, 2], np.float32), "y": [1, 2]})
    assert sent(frame, TOWN, X, Y) == (b'{"instances":[{"town":"Oslo","x":1.5,"y":1},{"town":"Rome","x":2.0,"y":2}]}')


def test_an_absent_value_is_null_for_the_gateway_to_fill_in() -> None:
    frame = pd.DataFrame({"x": [1.5, None], "town": [None, "Rome"], "y": pd.array([1, None], dtype="Int64")})
    assert sent(frame, X, TOWN, Y) == (b'{"instances":[{"x":1.5,"town":null,"y":1},{"x":null,"town":"Rome","y":null}]}')


def test_one_column_is_still_records_and_no_rows_are_none() -> None:
    assert sent(pd.DataFrame({"review": ["good"]}), TEXT) == b'{"instances":[{"review":"good"}]}'
    rows = split_rows(pd.DataFrame({"x": []}), [X])
    assert (rows.many, len(rows.instances)) == (True, 0)


def test_a_part_of_a_frame_is_a_frame() -> None:
    frame = pd.DataFrame({"x": [1, 2, 3]}, index=[7, 7, 9])
    assert list(FrameRows(frame)[1:]) == [{"x": 2}, {"x": 3}]
    assert FrameRows(frame)[-1] == {"x": 3}


def test_numbers_alone_go_as_an_array_in_the_manifests_order() -> None:
    frame = pd.DataFrame({"y": [1, 2], "x": [1.5, 2.5]})
    body = npy_body(split_rows(frame, NUMBERS.features).instances, NUMBERS)
    assert body is not None
    values = read_npy(body)
    assert [values[row] for row in range(2)] == [[1.5, 1], [2.5, 2]]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"x": [1.5, None], "y": [1, 2]}),
        pd.DataFrame({"x": [1.5, 2]}),
        pd.DataFrame({"x": [1.5], "y": [1], "z": [2]}),
        pd.DataFrame({"x": ["1.5"], "y": [1]}),
        pd.DataFrame({"x": [True], "y": [1]}),
        pd.DataFrame({"x": [1.5], "y": pd.array([1], dtype="Int64")}),
    ],
)
def test_any_other_frame_goes_as_records(frame: pd.DataFrame) -> None:
    assert npy_body(split_rows(frame, NUMBERS.features).instances, NUMBERS) is None


def test_a_frames_row_is_one_record_and_a_column_is_many_rows() -> None:
    frame = pd.DataFrame({"town": ["Oslo", "Rome"], "x": [1.5, None]})
    assert sent(frame.iloc[1], TOWN, X) == b'{"instances":[{"town":"Rome","x":null}]}'
    assert not split_rows(frame.iloc[0], [TOWN, X]).many
    reviews = split_rows(pd.Series(["good", "bad"]), [TEXT])
    assert (reviews.many, list(reviews.instances)) == (True, ["good", "bad"])


def test_an_array_of_one_dimension_is_one_row_of_a_model_of_numbers() -> None:
    one = split_rows(np.array([1.5, 2]), [X, Y])
    assert (one.many, len(one.instances)) == (False, 1)
    body = npy_body(one.instances, NUMBERS)
    assert body is not None
    assert read_npy(body)[0] == [1.5, 2]
    assert split_rows(np.array([[1.5, 2]]), [X, Y]).many


def predictions(metadata: Any, *columns: dict[str, Column]) -> Predictions:
    """A part for each, all of two rows."""
    return Predictions([read_answered(each, parse_metadata(metadata), 2, None) for each in columns])


def test_scores_come_as_an_array_of_rows_and_labels(shapes_metadata: Metadata) -> None:
    column = [[0.1, 0.7, 0.2], [None, 0.5, 0.5]]
    got = predictions(shapes_metadata(), {"probabilities": column}, {"probabilities": column}).to_numpy()
    assert got.shape == (4, 3)
    assert got.dtype == np.float64
    assert np.isnan(got[1, 0])


def test_values_come_as_an_array_of_rows_as_they_were_sent(house_metadata: Metadata) -> None:
    file = read_npy(write_npy(np.array([[1.5], [2.5]], np.float32)))
    got = predictions(house_metadata(), {"value": file}).to_numpy()
    assert (got.tolist(), got.dtype) == ([1.5, 2.5], np.float32)
    got[0] = 3  # the caller's own


def test_of_several_outputs_one_is_named(bare_metadata: Metadata) -> None:
    many = predictions(bare_metadata(), {"mean": [[1.0], [2.0]], "spread": [[0.5], [0.25]]})
    assert many.to_numpy("spread").tolist() == [[0.5], [0.25]]
    with pytest.raises(ValueError, match="the outputs are mean, spread; name one"):
        many.to_numpy()
    assert many.to_pandas().to_dict("list") == {
        "mean": [[1.0], [2.0]],
        "spread": [[0.5], [0.25]],
        "version": [1, 1],
    }


def test_versions_with_other_labels_are_not_mixed_in_one_array(shapes_metadata: Metadata) -> None:
    parts = [
        read_answered({"probabilities": [[1, 0]]}, parse_metadata(shapes_metadata(version, labels)), 1, None)
        for version, labels in ((1, ("a", "b")), (2, ("c", "d")))
    ]
    both = Predictions(parts)
    with pytest.raises(ValueError, match=r"versions \(1, 2\) answered"):
        both.to_numpy()
    frame = both.to_pandas()
    assert (frame["label"].tolist(), frame["version"].tolist()) == (["a", "c"], [1, 2])
    assert (both.version, Predictions(parts[:1]).version) == (None, 1)


def test_a_classifiers_frame_has_label_and_scores(shapes_metadata: Metadata) -> None:
    frame = predictions(shapes_metadata(), {"probabilities": [[0.1, 0.7, 0.2], [1, 0, 0]]}).to_pandas()
    assert frame.columns.tolist() == [
        "label",
        "probability_circle",
        "probability_square",
        "probability_star",
        "version",
    ]
    assert frame["label"].tolist() == ["square", "circle"]


def test_a_regressors_frame_has_its_target(house_metadata: Metadata) -> None:
    assert predictions(house_metadata(), {"value": [[1.5], [2.5]]}).to_pandas()["price"].tolist() == [1.5, 2.5]


def test_no_rows_are_an_empty_array_and_frame() -> None:
    assert Predictions(()).to_numpy().shape == (0,)
    assert Predictions(()).to_pandas().empty


def test_a_package_that_is_not_there_is_named_with_its_command() -> None:
    with pytest.raises(ModuleNotFoundError, match="drawing needs such: pip install such"):
        extras.bring("no_such_package.part", needs="drawing needs such", pip="such")
