"""No name in a request, over REST or gRPC, leads the gateway out of the model directory or makes it fail."""

import http.client
import shutil
import urllib.parse
from pathlib import Path

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.backends.tensorflow_messages import message_module
from tests.processes import GatewayProcess, StartGateway

PARTS = [
    "..",
    ".",
    "/",
    "\\",
    "\0",
    "\r\n",
    "outside",
    "digits",
    "1",
    "\u2024\u2024",
    "\uff0e\uff0e",
    "%2e%2e",
    "%2F",
    "~",
    ":",
]
HOSTILE = st.lists(st.sampled_from(PARTS) | st.text(max_size=3), min_size=1, max_size=6).map("".join)
PATHS = (
    "/v1/models/{}",
    "/v1/models/{}/metadata",
    "/v1/models/{}:predict",
    "/v1/models/{}/versions/1:predict",
    "/v1/models/digits/versions/{}:predict",
    "/v1/models/digits/labels/{}:predict",
    "/v2/models/{}/ready",
    "/v2/models/{}/infer",
    "/console/reports/{}/1",
    "/console/reports/digits/{}",
    "/console/{}",
)
PRIVATE = "a line that is nobody's business"


@pytest.fixture(scope="module")
def beside(
    start_gateway_session: StartGateway, trained_models: Path, tmp_path_factory: pytest.TempPathFactory
) -> GatewayProcess:
    """A gateway whose model directory has a whole model beside it."""
    folder = tmp_path_factory.mktemp("names")
    shutil.copytree(trained_models, folder / "models")
    shutil.copytree(trained_models / "digits", folder / "outside")
    for page in (folder / "outside/1/assets.extra/report/index.html", folder / "secret"):
        page.write_text(PRIVATE)
    link = folder / "models/diabetes/1/assets.extra/report/index.html"
    link.unlink()
    link.symlink_to(folder / "secret")
    return start_gateway_session("--models", str(folder / "models"))


def asked(gateway: GatewayProcess, path: str) -> tuple[int, str]:
    address = urllib.parse.urlsplit(gateway.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    try:
        method = "POST" if path.endswith((":predict", "/infer")) else "GET"
        connection.request(method, path, b"{}" if method == "POST" else None)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


@settings(max_examples=40, deadline=None)
@given(name=HOSTILE, safe=st.sampled_from(["", "/", "./"]))
def test_over_rest(beside: GatewayProcess, name: str, safe: str) -> None:
    written = urllib.parse.quote(name, safe=safe).replace(".", "%2E" if not safe else ".")
    for path in PATHS:
        status, body = asked(beside, path.format(written))
        assert status < 500, (path, written)
        assert PRIVATE not in body
        assert "outside" not in body or "outside" in name
        if "models/{}" in path and status == 200:
            assert name.strip("/").startswith(("digits", "diabetes")), (path, written)


def test_a_report_that_is_a_link_elsewhere_is_not_shown(beside: GatewayProcess) -> None:
    assert asked(beside, "/console/reports/digits/1")[0] == 200
    status, body = asked(beside, "/console/reports/diabetes/1")
    assert (status, PRIVATE in body) == (404, False)


@settings(max_examples=60, deadline=None)
@given(name=HOSTILE, label=HOSTILE)
def test_over_grpc(beside: GatewayProcess, name: str, label: str) -> None:
    messages = message_module("tensorflow_serving.apis.predict_pb2")
    with grpc.insecure_channel(beside.grpc_address) as channel:
        predict = channel.unary_unary(
            "/tensorflow.serving.PredictionService/Predict",
            request_serializer=messages.PredictRequest.SerializeToString,
            response_deserializer=messages.PredictResponse.FromString,
        )
        for model, tag in ((name, ""), ("digits", label)):
            request = messages.PredictRequest()
            request.model_spec.name = model
            request.model_spec.version_label = tag
            with pytest.raises(grpc.RpcError) as refused:
                predict(request, timeout=30)
            assert refused.value.code() in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT)
