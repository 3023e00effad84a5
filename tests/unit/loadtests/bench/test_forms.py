import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from loadtests.bench import forms
from loadtests.bench.dense_model import OUTPUT, DenseModel, Floats, pictures
from loadtests.bench.errors import WrongAnswer
from loadtests.bench.forms import Form, HttpAnswer, check_answer

ROWS = pictures(3)
PROBABILITIES = np.linspace(0, 1, 30, dtype=np.float32).reshape(3, 10)


def saved(array: Floats) -> bytes:
    file = BytesIO()
    np.save(file, array)
    return file.getvalue()


def oip_head(**more: object) -> bytes:
    return json.dumps({"outputs": [{"name": OUTPUT, "shape": [3, 10], "datatype": "FP32", **more}]}).encode()


BINARY_HEAD = oip_head(parameters={"binary_data_size": 120})
ANSWERS = {
    "json": (forms.TFS_JSON, {}, json.dumps({"predictions": PROBABILITIES.tolist()}).encode()),
    "npy": (forms.TFS_NPY, {}, saved(PROBABILITIES)),
    "oip json": (forms.OIP_JSON, {}, oip_head(data=PROBABILITIES.ravel().tolist())),
    "oip binary": (
        forms.OIP_BINARY,
        {"inference-header-content-length": str(len(BINARY_HEAD))},
        BINARY_HEAD + PROBABILITIES.tobytes(),
    ),
    "bentoml": (forms.BENTOML_JSON, {}, json.dumps(PROBABILITIES.tolist()).encode()),
}


@pytest.mark.parametrize(("form", "headers", "body"), ANSWERS.values(), ids=ANSWERS)
def test_every_forms_right_answer_passes(form: Form, headers: dict[str, str], body: bytes) -> None:
    check_answer(form, HttpAnswer(200, headers, body), PROBABILITIES)


@pytest.mark.parametrize(("form", "headers", "body"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_that_is_off_does_not(form: Form, headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(WrongAnswer, match="off by"):
        check_answer(form, HttpAnswer(200, headers, body), PROBABILITIES + np.float32(0.01))
    with pytest.raises(WrongAnswer, match="shape"):
        check_answer(form, HttpAnswer(200, headers, body), PROBABILITIES[:2])
    with pytest.raises(WrongAnswer, match="503"):
        check_answer(form, HttpAnswer(503, headers, body), PROBABILITIES)
    with pytest.raises(WrongAnswer, match="cannot be read"):
        check_answer(form, HttpAnswer(200, headers, b"{"), PROBABILITIES)


def test_an_empty_endpoint_must_answer_nothing() -> None:
    nothing = np.zeros((0, 10), np.float32)
    check_answer(forms.TFS_JSON_UNANSWERED, HttpAnswer(200, {}, b"{}"), nothing)
    with pytest.raises(WrongAnswer):
        check_answer(forms.TFS_JSON_UNANSWERED, HttpAnswer(200, {}, b'{"predictions":[]}'), nothing)


def test_every_request_carries_the_same_numbers() -> None:
    as_json = json.loads(forms.TFS_JSON.request(ROWS).body)["instances"]
    oip = json.loads(forms.OIP_JSON.request(ROWS).body)["inputs"][0]
    binary = forms.OIP_BINARY.request(ROWS)
    length = int(binary.headers["inference-header-content-length"])
    assert json.loads(binary.body[:length])["inputs"][0]["parameters"] == {"binary_data_size": ROWS.nbytes}
    for found in (
        np.array(as_json, np.float32),
        np.load(BytesIO(forms.TFS_NPY.request(ROWS).body)),
        np.array(oip["data"], np.float32).reshape(oip["shape"]),
        np.frombuffer(binary.body[length:], np.float32).reshape(ROWS.shape),
    ):
        assert np.array_equal(found, ROWS)


def test_a_row_of_json_has_the_size_that_the_docs_name() -> None:
    assert len(forms.TFS_JSON.request(pictures(1)).body) == pytest.approx(5400, rel=0.01)


def test_a_request_for_a_socket_is_whole() -> None:
    text = forms.http_bytes(forms.HttpRequest("/p", {"x": "y"}, b"abc")).decode()
    assert text == "POST /p HTTP/1.1\r\nhost: 127.0.0.1\r\nx: y\r\ncontent-length: 3\r\n\r\nabc"


def test_the_reference_is_the_networks_arithmetic(tmp_path: Path) -> None:
    kernel = np.array([[1.0, -1.0]], np.float32)
    last = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    none = np.zeros(2, np.float32)
    model = DenseModel(tmp_path, ((kernel, none), (last, none)))
    found = model.reference(np.array([[2.0]], np.float32))  # relu makes [2, 0] of [2, -2]
    assert found[0].tolist() == pytest.approx([np.e**2 / (np.e**2 + 1), 1 / (np.e**2 + 1)])
