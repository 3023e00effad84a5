"""`max_request_pixels` of a real gateway: kept by REST and gRPC alike, streams too, and beside other requests."""

import json
from base64 import b64encode
from collections.abc import Callable
from io import BytesIO

import grpc
import pytest
from PIL import Image

from serving.backends.tensorflow_messages import message_module
from serving.contract.features import ImageFeature
from serving.contract.tensors import Signature, TensorSpec
from serving.grpc import inference_pb2 as inference
from tests.doubles import doubles_manifest, publish_in_miniature
from tests.processes import GatewayProcess, StartGateway

SIDE, MOST_PIXELS = 7, 100
PATH, BOUND_SECONDS = "/v1/models/doubles:predict", 30.0
Predict = message_module("tensorflow_serving.apis.predict_pb2")
STRING = 7


@pytest.fixture(scope="module")
def gateway(start_gateway_session: StartGateway, tmp_path_factory: pytest.TempPathFactory) -> GatewayProcess:
    models = tmp_path_factory.mktemp("doubles") / "models"
    signature = Signature((TensorSpec("x", "uint8", (2, 2)),), (TensorSpec("value", "float32", (1,)),))
    feature = ImageFeature(name="x", shape=(2, 2), dtype="uint8")
    publish_in_miniature(models, doubles_manifest(features=(feature,), signatures={"serving_default": signature}))
    arguments = ("--backend", "in_memory", "--models", str(models))
    return start_gateway_session(*arguments, PENSTOCK_MAX_REQUEST_PIXELS=str(MOST_PIXELS))


def image(side: int = SIDE) -> bytes:
    file = BytesIO()
    Image.new("L", (side, side)).save(file, "PNG")
    return file.getvalue()


def b64(rows: int) -> list[dict[str, str]]:
    return [{"b64": b64encode(image()).decode()}] * rows


def test_rest_refuses_too_many_pixels_by_the_image_that_brings_them(gateway: GatewayProcess) -> None:
    good, _, _ = gateway.post(PATH, json.dumps({"instances": b64(2)}).encode())
    status, said, _ = gateway.post(PATH, json.dumps({"instances": b64(3)}).encode())
    assert (good, status, said["code"], said["field"]) == (200, 413, "PayloadTooLarge", "/instances/2")
    assert "at most 100" in said["error"]
    hidden = json.dumps({"instances": b64(3)}).replace("b64", "\\u0062\\u0036\\u0034").encode()
    assert gateway.post(PATH, hidden)[0] == 413
    assert gateway.post(PATH, image(10), "image/png")[0] == 200
    assert gateway.post(PATH, image(11), "image/png")[0] == 413


def test_a_stream_refuses_them_in_one_batch(gateway: GatewayProcess) -> None:
    body = b"\n".join(json.dumps(row).encode() for row in b64(3))
    status, said, _ = gateway.post(PATH, body, "application/x-ndjson")
    assert (status, said["code"]) == (413, "PayloadTooLarge")
    assert said["field"].startswith("/rows/2")


def tensorflow_serving(rows: int) -> tuple[str, bytes]:
    request = Predict.PredictRequest()
    request.model_spec.name = "doubles"
    request.inputs["x"].dtype = STRING
    request.inputs["x"].tensor_shape.dim.add(size=rows)
    request.inputs["x"].string_val.extend([image()] * rows)
    return "/tensorflow.serving.PredictionService/Predict", request.SerializeToString()


def open_inference(rows: int) -> tuple[str, bytes]:
    tensor = inference.ModelInferRequest.InferInputTensor(name="x", datatype="BYTES", shape=[rows])
    tensor.contents.bytes_contents.extend([image()] * rows)
    request = inference.ModelInferRequest(model_name="doubles", inputs=[tensor])
    return "/inference.GRPCInferenceService/ModelInfer", request.SerializeToString()


@pytest.mark.parametrize("asked", [tensorflow_serving, open_inference])
def test_grpc_refuses_them_too(gateway: GatewayProcess, asked: Callable[[int], tuple[str, bytes]]) -> None:
    with grpc.insecure_channel(gateway.grpc_address) as channel:
        path, two = asked(2)
        assert channel.unary_unary(path)(two, timeout=BOUND_SECONDS)
        path, three = asked(3)
        with pytest.raises(grpc.RpcError) as refused:
            channel.unary_unary(path)(three, timeout=BOUND_SECONDS)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "147 pixels together; at most 100" in refused.value.details()
