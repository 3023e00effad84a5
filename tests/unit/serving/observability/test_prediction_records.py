"""A logged prediction as lines of JSON."""

import json

import numpy as np
import pytest

from serving.observability.prediction_records import json_lines
from tests.unit.serving.observability.logged import prediction

TIME = "2027-01-15T08:00:00.000Z"


def test_a_line_for_each_row_says_who_answered_what_to_what() -> None:
    lines = list(json_lines(prediction(rows=2), TIME))
    assert [line.count(b"\n") for line in lines] == [1, 1]
    assert json.loads(lines[1]) == {
        "time": TIME,
        "request_id": "mine-7",
        "model": "digits",
        "version": 3,
        "signature": "serving_default",
        "row": 1,
        "inputs": {"x": 1.0},
        "outputs": {"probabilities": [1.0, 1.5]},
    }


def test_texts_are_texts_bytes_are_base64_and_numbers_that_are_none_are_null() -> None:
    inputs = {
        "word": np.array(["caf\u00e9".encode()], object),
        "bytes": np.array([[b"\xff\x00"]], object),
        "x": np.array([np.nan], np.float32),
        "image": np.array([[[1, 2], [3, 4]]], np.uint8),
    }
    (line,) = json_lines(prediction(inputs=inputs), TIME)
    assert json.loads(line)["inputs"] == {
        "word": "caf\u00e9",
        "bytes": [{"b64": "/wA="}],
        "x": None,
        "image": [[1, 2], [3, 4]],
    }


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "uint64", "float16", "float32", "float64"])
def test_every_dtype_of_a_model_is_written(dtype: str) -> None:
    inputs = {"x": np.array([1], dtype), "tensor": np.zeros((4, 1), dtype).T[:1]}
    (line,) = json_lines(prediction(inputs=inputs), TIME)
    assert json.loads(line)["inputs"] == {"x": 1, "tensor": [0, 0, 0, 0]}
