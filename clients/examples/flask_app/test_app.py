"""The page without a gateway: the real client before models that are functions.

Run it with `pytest` in this folder.
"""

import re
from io import BytesIO

import pytest
from app import create_app
from flask.testing import FlaskClient
from penstock_client import (
    BackendError,
    ConnectionFailed,
    DeadlineExceeded,
    Overloaded,
    PenstockError,
    QuotaExceeded,
    UndecodableImage,
    WrongDtype,
)
from penstock_client.scripted_models import Classifier, Regressor, ScriptedModels, image_feature, number_features

DIGITS = Classifier("digits", "0123456789", lambda _: {"7": 0.9, "1": 0.1}, features=[image_feature(8, 8)])
DIABETES = Regressor(
    "diabetes",
    lambda record: record["age"] + record["bmi"],
    target="progression",
    unit="points",
    features=number_features("age", "bmi"),
)
PATIENT = {"age": "59", "bmi": "32.1"}


@pytest.fixture
def models() -> ScriptedModels:
    return ScriptedModels(DIGITS, DIABETES)


@pytest.fixture
def page(models: ScriptedModels) -> FlaskClient:
    return create_app(models.client()).test_client()


def test_the_form_has_a_field_for_each_of_the_models_features(page: FlaskClient) -> None:
    assert re.findall(r'<input name="(\w+)"', page.get("/").text) == ["age", "bmi"]


def test_a_prediction_stands_below_what_was_typed(page: FlaskClient) -> None:
    answer = page.post("/progression", data=PATIENT)
    assert answer.status_code == 200
    assert "91 points" in answer.text
    assert 'value="32.1"' in answer.text


def test_a_wrong_value_is_shown_at_its_field(page: FlaskClient, models: ScriptedModels) -> None:
    models.fail(WrongDtype("a string where a number is expected", field="/instances/0/bmi"))
    answer = page.post("/progression", data={**PATIENT, "bmi": "high"})
    assert answer.status_code == 400
    assert re.findall(r'<input name="(\w+)"[^>]*aria-invalid="true"', answer.text) == ["bmi"]
    assert "a string where a number is expected" in answer.text.partition('value="high"')[2]


def test_what_was_typed_is_text_and_not_markup(page: FlaskClient, models: ScriptedModels) -> None:
    models.fail(WrongDtype("no <b>number</b>"))
    answer = page.post("/progression", data={**PATIENT, "age": '"><script>'})
    assert "<script>" not in answer.text
    assert "no &lt;b&gt;" in answer.text


def test_a_picture_is_read_and_shown_with_its_probabilities(page: FlaskClient) -> None:
    answer = page.post("/digit", data={"picture": (BytesIO(b"a picture"), "seven.png")})
    assert answer.status_code == 200
    assert '<div class="big">7</div>' in answer.text
    assert "90.0 %" in answer.text


def test_a_file_that_is_no_picture_is_refused_on_the_page(page: FlaskClient, models: ScriptedModels) -> None:
    models.fail(UndecodableImage("9 bytes that are not a whole image"))
    answer = page.post("/digit", data={"picture": (BytesIO(b"no image?"), "seven.png")})
    assert answer.status_code == 400
    assert "9 bytes that are not a whole image" in answer.text


def test_a_short_outage_is_not_seen(page: FlaskClient, models: ScriptedModels) -> None:
    models.fail(ConnectionFailed("nobody listens"), times=2)
    assert page.post("/progression", data=PATIENT).status_code == 200
    assert len(models.asked) == 1 + 3 + 1  # metadata, two failures and the answer, metadata for the form


@pytest.mark.parametrize("error", [Overloaded, QuotaExceeded])
def test_no_room_is_503_and_says_when_to_come_back(
    page: FlaskClient, models: ScriptedModels, error: type[PenstockError]
) -> None:
    models.fail(error("no room", retry_after_seconds=30), times=9)
    answer = page.post("/progression", data=PATIENT)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")


@pytest.mark.parametrize(("error", "status"), [(DeadlineExceeded, 504), (BackendError, 502)])
def test_other_errors_show_the_request_id(
    page: FlaskClient, models: ScriptedModels, error: type[PenstockError], status: int
) -> None:
    models.fail(error("no"))
    answer = page.post("/progression", data=PATIENT)
    assert answer.status_code == status
    assert "request request-" in answer.text
