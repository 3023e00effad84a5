"""Triton's own HTTP client, in an environment and a process of its own, against a real gateway."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.processes import GatewayProcess

CLIENT = Path(__file__).with_name("triton_http_client.py")


@pytest.fixture(scope="module")
def found(gateway: GatewayProcess, triton_python: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    done = subprocess.run(
        [triton_python, "-P", str(CLIENT), gateway.url.removeprefix("http://")],
        capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path_factory.mktemp("elsewhere"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def predicted(gateway: GatewayProcess) -> Any:
    """What TensorFlow Serving's form answers to the rows that Triton's client sends."""
    rows = (np.arange(128) % 17).reshape(2, 8, 8).tolist()
    return gateway.post("/v1/models/digits:predict", json.dumps({"instances": rows}).encode())[1]["predictions"]


def test_the_client_has_nothing_of_ours(found: Any) -> None:
    assert found["ours"] == []


def test_health_and_metadata(found: Any) -> None:
    sync = found["sync"]
    assert sync["live"] == [True, True]
    assert sync["model_ready"] == [True, False]
    assert "binary_tensor_data" in sync["server"]["extensions"]
    assert sync["metadata"]["name"] == "digits"
    assert [(one["name"], one["datatype"], one["shape"]) for one in sync["metadata"]["inputs"]] == [
        ("image", "FP32", [-1, 8, 8])
    ]


@pytest.mark.parametrize("form", ["raw", "text"])
def test_both_forms_of_a_tensor_are_answered_as_every_other_protocol(found: Any, predicted: Any, form: str) -> None:
    np.testing.assert_allclose(found["sync"][form], predicted, rtol=1e-5, atol=1e-6)


def test_requests_under_way_together_are_each_answered(found: Any, predicted: Any) -> None:
    for answers in (*found["sync"]["later"], *found["aio"]):
        np.testing.assert_allclose(answers, predicted, rtol=1e-5, atol=1e-6)
    assert found["sync"]["id"] == "mine-1"


@pytest.mark.parametrize(
    ("cause", "status", "told"),
    [
        ("unknown model", "404", "nobody"),
        ("unknown version", "404", "99"),
        ("wrong shape", "400", "8"),
        ("unknown output", "400", "nothing"),
    ],
)
def test_refusal_reaches_the_caller_in_its_own_terms(found: Any, cause: str, status: str, told: str) -> None:
    code, message = found["sync"]["refused"][cause]
    assert status in code
    assert told in message
