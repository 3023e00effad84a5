"""A malformed row: refused at the door by a manifest; without one by the graph, alone, whoever shares its batch."""

import json
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from serving.backends.tensorflow_messages import message_module
from tests.processes import GatewayProcess, StartGateway

CLASSIFY = "/v1/models/digits:predict"


def example(pixels: int) -> bytes:
    made = message_module("tensorflow.core.example.example_pb2").Example()
    made.features.feature["image"].float_list.value.extend([0.0] * pixels)
    return bytes(made.SerializeToString())


def body(serialized: bytes) -> bytes:
    row = {"b64": b64encode(serialized).decode()}
    return json.dumps({"signature_name": "classify", "instances": [row]}).encode()


def test_a_manifest_refuses_a_malformed_example_by_its_field(gateway: GatewayProcess) -> None:
    status, answer, _ = gateway.post(CLASSIFY, body(b"not an example"))
    assert (status, answer["code"], answer["field"]) == (400, "InvalidInput", "/instances/0")
    status, answer, _ = gateway.post(CLASSIFY, body(example(63)))
    assert (status, answer["code"], answer["field"]) == (400, "WrongShape", "/instances/0/image")


def test_malformed_example_fails_nobody_elses_request(own_models: Path, start_gateway: StartGateway) -> None:
    (own_models / "digits" / "1" / "assets.extra" / "manifest.json").unlink()
    gateway = start_gateway("--models", str(own_models))
    good, bad = body(example(64)), body(b"not an example")
    asked = [bad if number % 20 == 10 else good for number in range(100)]  # five: within what may be spent on repeats
    with ThreadPoolExecutor(50) as clients:
        answers = list(clients.map(lambda one: gateway.post(CLASSIFY, one), asked))
    told = list(zip(asked, answers, strict=True))
    assert [answer for one, (status, answer, _) in told if (status == 200) is (one is bad)] == []
    assert {answer["code"] for one, (_, answer, _) in told if one is bad} == {"BackendRejected"}
