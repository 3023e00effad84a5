"""The page without a gateway: the real client over an in-process transport whose answers are made here.

Run it with `pytest` in this folder.
"""

import json
import re
from collections.abc import Callable, Iterator

import pytest
from app import create_app
from flask.testing import FlaskClient
from penstock_client import Client, ConnectionFailed
from penstock_client.in_process import InProcess, Request, Response

METADATA = {
    "model_spec": {"name": "diabetes", "signature_name": "", "version": "3"},
    "metadata": {
        "signature_def": {},
        "manifest": {
            "description": "how a disease goes on",
            "features": [
                {"kind": "number", "name": "age", "dtype": "float32", "unit": "years", "range": [0, 120]},
                {"kind": "number", "name": "bmi", "dtype": "float32"},
            ],
            "outputs": {"task": "regression", "target": "progression", "unit": "points"},
            "signatures": {"serving_default": {"inputs": [], "outputs": [{"name": "value"}]}},
            "golden_examples": [{"instance": {"age": 35.0, "bmi": 41.3}}],
        },
    },
}
OpenPage = Callable[[Response | ConnectionFailed], FlaskClient]


def says(body: object, status: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, {"x-model-version": "3", "x-request-id": "r-1", **named}, json.dumps(body).encode())


@pytest.fixture
def page() -> Iterator[OpenPage]:
    """The app before a gateway whose every prediction is answered so."""
    clients: list[Client] = []

    def open_page(answer: Response | ConnectionFailed) -> FlaskClient:
        def gateway(request: Request) -> Response:
            if request.path.endswith("/metadata"):
                return says(METADATA)
            if isinstance(answer, ConnectionFailed):
                raise answer
            return answer

        clients.append(Client("http://gateway", transport=InProcess(gateway), retries=None))
        return create_app(clients[-1]).test_client()

    yield open_page
    for client in clients:
        client.close()


def test_the_form_is_the_models_own_and_holds_an_example(page: OpenPage) -> None:
    text = page(says({})).get("/").text
    assert '<input name="age" value="35"' in text
    assert "0 to 120" in text


def test_a_prediction_stands_below_what_was_typed(page: OpenPage) -> None:
    answer = page(says({"predictions": [[151.6]]})).post("/progression", data={"age": "59", "bmi": "32.1"})
    assert answer.status_code == 200
    assert "152 points" in answer.text
    assert 'value="59"' in answer.text


def test_a_wrong_value_is_shown_at_its_field(page: OpenPage) -> None:
    refusal = {"error": "a string where a number is expected", "code": "WrongDtype", "field": "/instances/0/bmi"}
    answer = page(says(refusal, 400)).post("/progression", data={"age": "59", "bmi": "high"})
    assert answer.status_code == 400
    assert re.findall(r'<input name="(\w+)"[^>]*aria-invalid="true"', answer.text) == ["bmi"]
    assert refusal["error"] in answer.text.partition('value="high"')[2]


def test_what_was_typed_is_text_and_not_markup(page: OpenPage) -> None:
    refusal = {"error": "no such <b>feature</b>", "code": "UnknownField"}
    answer = page(says(refusal, 400)).post("/progression", data={"age": '"><script>'})
    assert "<script>" not in answer.text
    assert "no such &lt;b&gt;" in answer.text


@pytest.mark.parametrize(("code", "from_gateway"), [("Overloaded", 503), ("QuotaExceeded", 429)])
def test_no_room_is_503_and_says_when_to_come_back(page: OpenPage, code: str, from_gateway: int) -> None:
    full = says({"error": "no room", "code": code}, from_gateway, retry_after="7")
    answer = page(full).post("/progression", data={"age": "59"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")


def test_a_gateway_that_is_away_is_503_too(page: OpenPage) -> None:
    answer = page(ConnectionFailed("nobody listens")).post("/progression", data={"age": "59"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


@pytest.mark.parametrize(
    ("code", "from_gateway", "status"), [("DeadlineExceeded", 504, 504), ("InternalError", 500, 502)]
)
def test_other_errors_show_the_request_id(page: OpenPage, code: str, from_gateway: int, status: int) -> None:
    answer = page(says({"error": "no", "code": code, "request_id": "r-1"}, from_gateway)).post("/progression")
    assert answer.status_code == status
    assert "request r-1" in answer.text
