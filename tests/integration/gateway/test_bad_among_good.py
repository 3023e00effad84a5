"""Bad input in the midst of good: 200 requests in flight together, each answered for itself alone."""

import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.preloaded import run_preloaded
from tests.processes import GatewayProcess, StartGateway

IN_FLIGHT = 200
PIXELS = [[0.0] * 8] * 8


@dataclass(frozen=True)
class Bad:
    """A request that must fail: with which status, error name and field."""

    path: str
    body: bytes
    status: int
    code: str
    field: str | None
    content_type: str = "application/json"


def instances(*rows: Any) -> bytes:
    return json.dumps({"instances": rows}).encode()


DIGITS, DIABETES = "/v1/models/digits:predict", "/v1/models/diabetes:predict"
PATIENT = {"age": 59, "sex": 2, "bmi": 32.1, "bp": 101, "s1": 157, "s2": 93.2, "s3": 38, "s4": 4, "s5": 4.86, "s6": 87}

BAD = [
    Bad(DIGITS, b'{"instances": [[[1, 2', 400, "InvalidInput", None),
    Bad(DIGITS, b"", 400, "InvalidInput", None),
    Bad(DIGITS, b"[1, 2]", 400, "WrongDtype", None),
    Bad(DIGITS, b"[" * 100_000, 400, "InvalidInput", None),
    Bad(DIGITS, instances([*PIXELS[:7], [*[0.0] * 7, float("nan")]]), 400, "OutOfRange", "/instances/0"),
    Bad(DIGITS, instances(), 400, "InvalidInput", "/instances"),
    Bad(DIGITS, instances([1.0] * 64), 400, "WrongShape", "/instances/0"),
    Bad(DIGITS, instances(PIXELS, [*PIXELS[:7], [0.0] * 7]), 400, "WrongShape", "/instances/1"),
    Bad(DIGITS, instances([*PIXELS[:7], [*[0.0] * 7, "x"]]), 400, "WrongDtype", "/instances/0/7/7"),
    Bad(DIGITS, instances([*PIXELS[:7], [*[0.0] * 7, 1e300]]), 400, "OutOfRange", "/instances/0"),
    Bad(DIGITS, instances({"b64": "bm90IGFuIGltYWdl"}), 400, "UndecodableImage", "/instances/0"),
    Bad(DIGITS, b"not an image", 400, "UndecodableImage", None, "image/png"),
    Bad(DIGITS, b"<xml/>", 415, "UnsupportedMediaType", None, "text/xml"),
    Bad(DIGITS, b" " * 300_000, 413, "PayloadTooLarge", None),
    Bad(DIABETES, instances({**PATIENT, "bmj": 3}), 400, "UnknownField", "/instances/0/bmj"),
    Bad(DIABETES, instances({k: v for k, v in PATIENT.items() if k != "bp"}), 400, "MissingField", "/instances/0/bp"),
    Bad(DIABETES, instances({**PATIENT, "age": "old"}), 400, "WrongDtype", "/instances/0/age"),
    Bad("/v1/models/nobody:predict", instances(PIXELS), 404, "UnknownModel", None),
    Bad("/v1/models/digits/versions/77:predict", instances(PIXELS), 404, "UnknownVersion", None),
    Bad("/v1/models/..%2f..%2fetc:predict", instances(PIXELS), 404, "HttpError", None),
]


@dataclass(frozen=True)
class Good:
    path: str
    body: bytes
    want: "np.ndarray[Any, Any]"


@pytest.fixture(scope="module")
def limited_gateway(start_gateway_session: StartGateway, trained_models: Path) -> GatewayProcess:
    return start_gateway_session("--models", str(trained_models), PENSTOCK_MAX_BODY_BYTES="262144")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> list[Good]:
    """Test rows of both jobs with the answers of the Keras models themselves."""
    return [*_good(tmp_path_factory, "digits"), *_good(tmp_path_factory, "diabetes")]


def _good(tmp_path_factory: pytest.TempPathFactory, job: str) -> Iterator[Good]:
    out = tmp_path_factory.mktemp("keras") / f"{job}.npz"
    script = Path(__file__).parents[1] / "keras_reference.py"
    assert run_preloaded([script, job, out]).returncode == 0
    with np.load(out) as stored:
        rows, answers = json.loads(str(stored["instances"])), stored["answers"]
    for row, answer in zip(rows, answers, strict=True):
        yield Good(f"/v1/models/{job}:predict", instances(row), answer)


def test_every_good_request_is_right_and_every_bad_one_gets_its_own_error(
    limited_gateway: GatewayProcess, good: list[Good]
) -> None:
    requests: list[Good | Bad] = list(
        itertools.islice(itertools.chain.from_iterable(zip(good, itertools.cycle(BAD), strict=False)), IN_FLIGHT)
    )
    with ThreadPoolExecutor(IN_FLIGHT) as clients:
        faults = [fault for fault in clients.map(lambda request: fault_of(limited_gateway, request), requests) if fault]
    assert len(requests) == IN_FLIGHT
    assert faults == []


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{bad.code}-{bad.status}-{len(bad.body)}")
def test_bad_request_names_what_is_wrong(limited_gateway: GatewayProcess, bad: Bad) -> None:
    assert fault_of(limited_gateway, bad) is None


def fault_of(gateway: GatewayProcess, request: Good | Bad) -> str | None:
    content_type = request.content_type if isinstance(request, Bad) else "application/json"
    status, answer, headers = gateway.post(request.path, request.body, content_type)
    if isinstance(request, Bad):
        got = (status, answer.get("code"), answer.get("field"), answer.get("request_id"))
        want = (request.status, request.code, request.field, headers.get("x-request-id"))
        return None if got == want else f"{request.path} {request.body[:60]!r}: {got}, not {want} ({answer})"
    if status != 200:
        return f"{request.path}: {status} {answer}"
    row = np.array(answer["predictions"][0])
    near = np.abs(row - request.want) <= 1e-5 + 1e-4 * np.abs(request.want)
    return None if near.all() else f"{request.path}: {row} instead of {request.want}"
