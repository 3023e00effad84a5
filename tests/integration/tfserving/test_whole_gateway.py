"""The whole gateway with model servers behind it: every protocol in front, labels, raw models, and a light process."""

import io
import json
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from serving.backends.tensor_protos import array_of
from serving.backends.tensorflow_messages import message_module
from serving.contract.tensors import Array
from tests.processes import GatewayProcess, StartGateway

LIGHT_MEGABYTES = 150


@pytest.fixture(scope="module")
def front(start_gateway_session: StartGateway, gateway: GatewayProcess, trained_models: Path) -> GatewayProcess:
    """A gateway in front of one that runs the same models itself."""
    front = start_gateway_session(
        *("--models", str(trained_models), "--backend", "tfserving", "--tfserving-addresses", gateway.grpc_address)
    )
    assert any("serves" in line and "digits (1)" in line for line in front.lines)
    return front


@pytest.fixture
def images() -> Array:
    return np.random.default_rng(7).integers(0, 17, (3, 8, 8)).astype(np.float32)


def npy(array: Array) -> bytes:
    written = io.BytesIO()
    np.save(written, array)
    return written.getvalue()


def test_every_rest_form_is_answered_as_the_embedded_runtime_answers_it(
    front: GatewayProcess, gateway: GatewayProcess, images: Array
) -> None:
    listed = images.tolist()
    tensor = {"name": "image", "shape": [3, 8, 8], "datatype": "FP32", "data": images.reshape(-1).tolist()}
    asked = [
        ("/v1/models/digits:predict", json.dumps({"instances": listed}).encode(), "application/json"),
        ("/v1/models/digits:predict", json.dumps({"inputs": {"image": listed}}).encode(), "application/json"),
        ("/v1/models/digits/versions/1:predict", npy(images), "application/x-npy"),
        ("/v2/models/digits/infer", json.dumps({"inputs": [tensor]}).encode(), "application/json"),
        ("/v1/models/digits:classify", json.dumps({"examples": [{"image": images[0].reshape(-1).tolist()}]}).encode(),
         "application/json"),
    ]  # fmt: skip
    for path, body, content_type in asked:
        answers = [each.post(path, body, content_type) for each in (front, gateway)]
        assert [status for status, _, _ in answers] == [200, 200], answers
        assert numbers(answers[0][1]) == pytest.approx(numbers(answers[1][1]), rel=1e-4, abs=1e-6)
        assert answers[0][2]["x-model-version"] == "1"


def numbers(answer: Any) -> list[float]:
    """Every number in an answer, in order."""
    if isinstance(answer, dict):
        return [number for key in sorted(answer) if key not in ("id", "parameters") for number in numbers(answer[key])]
    if isinstance(answer, list):
        return [number for each in answer for number in numbers(each)]
    return [float(answer)] if isinstance(answer, int | float) else []


def test_grpc_in_front_and_behind(front: GatewayProcess, gateway: GatewayProcess, images: Array) -> None:
    predict = message_module("tensorflow_serving.apis.predict_pb2")
    request = predict.PredictRequest()
    request.model_spec.name = "digits"
    tensor = request.inputs["image"]
    tensor.dtype, tensor.tensor_content = 1, images.tobytes()
    for size in images.shape:
        tensor.tensor_shape.dim.add(size=size)
    answers = []
    for address in (front.grpc_address, gateway.grpc_address):
        with grpc.insecure_channel(address) as channel:
            call = channel.unary_unary(
                "/tensorflow.serving.PredictionService/Predict",
                lambda message: message.SerializeToString(),
                predict.PredictResponse.FromString,
            )
            answers.append(array_of(call(request, timeout=30.0).outputs["probabilities"]))
    assert np.allclose(answers[0].tolist(), answers[1].tolist(), atol=1e-6)


def test_a_gateway_without_a_model_directory_serves_raw_tensors(
    start_gateway: StartGateway, gateway: GatewayProcess, tmp_path: Path, images: Array
) -> None:
    front = start_gateway(
        *("--models", str(tmp_path / "nowhere"), "--backend", "tfserving"),
        *("--tfserving-addresses", gateway.grpc_address),
        PENSTOCK_TFSERVING_MODELS="digits,diabetes",
        PENSTOCK_REQUIRED_MODELS="digits",
    )
    body = json.dumps({"instances": images.tolist()}).encode()
    status, answer, headers = front.post("/v1/models/digits:predict", body)
    assert (status, headers["x-model-version"]) == (200, "1")
    known = gateway.post("/v1/models/digits:predict", body)[1]
    assert numbers(answer) == pytest.approx(numbers(known), abs=1e-6)
    assert front.get("/readyz")


def test_the_process_is_light_and_never_holds_tensorflow(front: GatewayProcess) -> None:
    process = Path("/proc") / str(front.process.pid)
    assert "libtensorflow" not in process.joinpath("maps").read_text()
    status = dict(line.split(":", 1) for line in process.joinpath("status").read_text().splitlines())
    assert int(status["VmRSS"].split()[0]) / 1024 < LIGHT_MEGABYTES
