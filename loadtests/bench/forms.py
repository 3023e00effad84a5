"""The forms of one prediction over HTTP: rows to the bytes of a request, the bytes of an answer to probabilities.

Pure. One place for every server, so that all of them are sent the same numbers and all answers are read.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from loadtests.bench.dense_model import CLASSES, INPUT, MODEL, OUTPUT, Floats
from loadtests.bench.errors import WrongAnswer
from loadtests.http_connection import request_bytes

DIGITS = 4
"""Of a number in JSON, as real requests have them."""
JSON_TYPE = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class HttpRequest:
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Write: TypeAlias = Callable[[str, Floats], HttpRequest]
Read: TypeAlias = Callable[[HttpAnswer], Floats]


@dataclass(frozen=True, slots=True)
class Form:
    """How a server is asked at `path` and how it answers."""

    path: str
    write: Write
    read: Read

    def request(self, rows: Floats) -> HttpRequest:
        return self.write(self.path, rows)


def json_request(path: str, rows: Floats) -> HttpRequest:
    """TensorFlow Serving's rows: `{"instances": [[...], ...]}`."""
    return HttpRequest(path, JSON_TYPE, _json({"instances": _lists(rows)}))


def npy_request(path: str, rows: Floats | NDArray[np.uint8]) -> HttpRequest:
    """NumPy's own file format, both ways."""
    file = BytesIO()
    np.save(file, rows)
    return HttpRequest(path, {"content-type": "application/x-npy", "accept": "application/x-npy"}, file.getvalue())


def oip_json_request(path: str, rows: Floats) -> HttpRequest:
    """The Open Inference Protocol with numbers in JSON, flat."""
    numbers = _lists(rows.ravel())
    tensor = {"name": INPUT, "shape": list(rows.shape), "datatype": "FP32", "data": numbers}
    return HttpRequest(path, JSON_TYPE, _json({"inputs": [tensor]}))


def oip_binary_request(path: str, rows: Floats) -> HttpRequest:
    """The Open Inference Protocol with raw tensors, both ways."""
    size = {"binary_data_size": rows.nbytes}
    tensor = {"name": INPUT, "shape": list(rows.shape), "datatype": "FP32", "parameters": size}
    head = _json({"inputs": [tensor], "parameters": {"binary_data_output": True}})
    headers = {"content-type": "application/octet-stream", "inference-header-content-length": str(len(head))}
    return HttpRequest(path, headers, head + rows.tobytes())


def read_predictions(answer: HttpAnswer) -> Floats:
    return np.array(json.loads(answer.body)["predictions"], np.float32)


def read_bare_rows(answer: HttpAnswer) -> Floats:
    return np.array(json.loads(answer.body), np.float32)


def read_npy(answer: HttpAnswer) -> Floats:
    found: Floats = np.load(BytesIO(answer.body), allow_pickle=False)
    return found


def read_oip_json(answer: HttpAnswer) -> Floats:
    output = _output(json.loads(answer.body))
    return np.array(output["data"], np.float32).reshape(output["shape"])


def read_oip_binary(answer: HttpAnswer) -> Floats:
    length = int(answer.headers["inference-header-content-length"])
    output = _output(json.loads(answer.body[:length]))
    return np.frombuffer(answer.body[length:], np.float32).reshape(output["shape"])


def read_nothing(answer: HttpAnswer) -> Floats:
    """Of a server that predicts nothing. Raises WrongAnswer unless it says `{}`."""
    if answer.body != b"{}":
        raise WrongAnswer(f"an empty endpoint answered {answer.body[:80]!r}")
    return np.zeros((0, CLASSES), np.float32)


def check_answer(form: Form, answer: HttpAnswer, expected: Floats) -> None:
    """Raises WrongAnswer unless every number is within 1e-5 + 1e-4 * |expected|."""
    if answer.status != 200:
        raise WrongAnswer(f"{form.path} answered {answer.status}: {answer.body[:200]!r}")
    try:
        found = form.read(answer)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise WrongAnswer(f"{form.path} answered what cannot be read: {answer.body[:200]!r}") from error
    check_probabilities(form.path, found, expected)


def check_probabilities(asked: str, found: Floats, expected: Floats) -> None:
    if found.shape != expected.shape:
        raise WrongAnswer(f"{asked} answered shape {found.shape} where {expected.shape} is right")
    if not np.allclose(found, expected, rtol=1e-4, atol=1e-5):
        raise WrongAnswer(f"{asked} is off by {np.abs(found - expected).max():.2g} from the reference")


def http_bytes(request: HttpRequest) -> bytes:
    """The whole request as it goes over the wire, for a client that writes to a socket itself."""
    return request_bytes("127.0.0.1", request.path, request.headers, request.body)


def _lists(rows: Floats) -> Any:
    return rows.astype(np.float64).round(DIGITS).tolist()


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _output(answer: Any) -> Any:
    return next(output for output in answer["outputs"] if output["name"] == OUTPUT)


TFS_PATH, OIP_PATH = f"/v1/models/{MODEL}:predict", f"/v2/models/{MODEL}/infer"
TFS_JSON = Form(TFS_PATH, json_request, read_predictions)
TFS_NPY = Form(TFS_PATH, npy_request, read_npy)
TFS_JSON_UNANSWERED = Form(TFS_PATH, json_request, read_nothing)
OIP_JSON = Form(OIP_PATH, oip_json_request, read_oip_json)
OIP_BINARY = Form(OIP_PATH, oip_binary_request, read_oip_binary)
LITSERVE_JSON = Form("/predict", json_request, read_predictions)
BENTOML_JSON = Form("/predict", json_request, read_bare_rows)
