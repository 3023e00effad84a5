"""A row that only the graph can refuse: it fails alone, whoever shares its batch."""

import json
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor

from serving.backends.tensorflow_messages import message_module
from tests.processes import GatewayProcess

CLASSIFY = "/v1/models/digits:predict"


def body(example: bytes) -> bytes:
    row = {"b64": b64encode(example).decode()}
    return json.dumps({"signature_name": "classify", "instances": [row]}).encode()


def test_malformed_example_fails_nobody_elses_request(gateway: GatewayProcess) -> None:
    example = message_module("tensorflow.core.example.example_pb2").Example()
    example.features.feature["image"].float_list.value.extend([0.0] * 64)
    good, bad = body(example.SerializeToString()), body(b"not an example")
    asked = [bad if number % 5 == 0 else good for number in range(100)]
    with ThreadPoolExecutor(50) as clients:
        answers = list(clients.map(lambda one: gateway.post(CLASSIFY, one), asked))
    told = list(zip(asked, answers, strict=True))
    assert [answer for one, (status, answer, _) in told if (status == 200) is (one is bad)] == []
    assert {answer["code"] for one, (_, answer, _) in told if one is bad} == {"BackendRejected"}
