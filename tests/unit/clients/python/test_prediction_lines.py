"""One line for each prediction."""

import json
import math

from penstock_client.prediction import Prediction
from penstock_client.prediction_lines import human_line, json_line

SEVEN = Prediction(
    outputs={"probabilities": [0.006, 0.019, 0.971, 0.004]},
    version=3,
    request_id="r-1",
    label="7",
    probabilities={"9": 0.006, "1": 0.019, "7": 0.971, "2": 0.004},
)
PRICE = Prediction(outputs={"value": [250000.0]}, version=1, value=250000.0, unit="EUR", target="price")
BARE = Prediction(outputs={"mean": [1.0]}, version=1)


def test_people_read_the_label_and_its_runners_up() -> None:
    assert human_line(SEVEN) == "7  97.1%  (then 1 1.9%, 9 0.6%)"
    assert human_line(SEVEN, "seven.png") == "seven.png: 7  97.1%  (then 1 1.9%, 9 0.6%)"


def test_people_read_the_value_with_its_unit() -> None:
    assert human_line(PRICE) == "price = 250000 EUR"


def test_people_read_the_outputs_where_nothing_is_known() -> None:
    assert human_line(BARE) == '{"mean": [1.0]}'


def test_json_has_what_applies() -> None:
    assert json.loads(json_line(SEVEN, "seven.png")) == {
        "input": "seven.png",
        "label": "7",
        "probabilities": {"9": 0.006, "1": 0.019, "7": 0.971, "2": 0.004},
        "version": 3,
        "request_id": "r-1",
    }
    assert json.loads(json_line(PRICE)) == {
        "value": 250000.0,
        "unit": "EUR",
        "target": "price",
        "version": 1,
        "request_id": None,
    }
    assert json.loads(json_line(BARE))["outputs"] == {"mean": [1.0]}


def test_json_has_null_for_what_is_not_finite() -> None:
    unknown = Prediction(outputs={"value": [None]}, version=1, value=math.nan, unit="", target="price")
    assert json.loads(json_line(unknown))["value"] is None
