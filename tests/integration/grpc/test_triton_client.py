"""Triton's own client, in an environment and a process of its own, against a real gateway."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import descriptor_pb2

from serving.grpc import inference_pb2
from tests.processes import GatewayProcess

CLIENT = Path(__file__).with_name("triton_client.py")


@pytest.fixture(scope="module")
def found(gateway: GatewayProcess, triton_python: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    done = subprocess.run(
        [triton_python, "-P", str(CLIENT), gateway.grpc_address],
        capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path_factory.mktemp("elsewhere"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def predicted(gateway: GatewayProcess) -> Any:
    """What REST answers to the rows that Triton's client sends."""
    rows = (np.arange(128) % 17).reshape(2, 8, 8).tolist()
    return gateway.post("/v1/models/digits:predict", json.dumps({"instances": rows}).encode())[1]["predictions"]


def test_the_client_has_nothing_of_ours(found: Any) -> None:
    assert found["ours"] == []


def test_our_proto_has_the_clients_names_and_numbers(found: Any) -> None:
    proto = descriptor_pb2.FileDescriptorProto()
    inference_pb2.DESCRIPTOR.CopyToProto(proto)

    def check(prefix: str, message: descriptor_pb2.DescriptorProto) -> None:
        theirs = found["descriptors"][f"{prefix}{message.name}"]
        for field in message.field:
            assert theirs[field.name] == [field.number, field.type, field.label, field.type_name]
        for nested in message.nested_type:
            check(f"{prefix}{message.name}.", nested)

    for message in proto.message_type:
        check("", message)
    for enum in proto.enum_type:
        assert found["descriptors"][f"enum {enum.name}"] == {value.name: value.number for value in enum.value}


def test_health_and_metadata(found: Any) -> None:
    sync = found["sync"]
    assert sync["live"] == [True, True]
    assert sync["model_ready"] == [True, False, False]
    assert sync["server"][0] == "penstock"
    assert sync["metadata"] == ["digits", ["1"], "tensorflow_savedmodel"]
    assert sync["inputs"] == [["image", "FP32", [-1, 8, 8]]]
    assert sync["outputs"] == [["probabilities", "FP32", [-1, 10]]]
    assert sync["config"] == ["digits", 11, [8, 8], 64]
    ((name, version, rows, batches, answers),) = sync["statistics"]
    assert (name, version) == ("digits", "1")
    assert rows >= answers > 0
    assert rows >= batches > 0
    assert sync["index"] == [["diabetes", "1", "READY"], ["digits", "1", "READY"]]


def test_the_configuration_carries_what_rest_answers_as_metadata(found: Any, gateway: GatewayProcess) -> None:
    assert found["sync"]["parameters"] == {"metadata": gateway.get("/v1/models/digits/metadata")}


def test_infer_answers_what_rest_answers(found: Any, predicted: Any) -> None:
    sync = found["sync"]
    assert sync["answered"] == ["digits", "1", "mine-1"]
    for values in (sync["values"], sync["whole"], sync["later"][1]):
        np.testing.assert_allclose(values, predicted, atol=1e-5)


def test_typed_contents_are_answered_with_typed_contents(found: Any, predicted: Any) -> None:
    typed = found["typed"]
    assert (typed["shape"], typed["raw"]) == ([2, 10], 0)
    np.testing.assert_allclose(typed["values"], np.ravel(predicted), atol=1e-5)
    assert typed["huge"] == ["INVALID_ARGUMENT", "/inputs/image"]


def test_a_stream_answers_in_order_and_one_bad_request_ends_nothing(found: Any, predicted: Any) -> None:
    stream = found["stream"]
    assert "Could not find any versions of model nobody" in stream.pop(4)
    assert [answer[0] for answer in stream] == [str(number) for number in range(10) if number != 4]
    for answer in stream:
        np.testing.assert_allclose(answer[1], predicted, atol=1e-5)


def test_the_asyncio_client_works_as_the_other(found: Any, predicted: Any) -> None:
    assert found["aio"]["ready"]
    assert len(found["aio"]["values"]) == 20
    np.testing.assert_allclose(found["aio"]["values"][-1], predicted, atol=1e-5)
    assert found["aio"]["stream_ids"] == list("01234")


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("model", "NOT_FOUND", "Could not find any versions of model nobody"),
        ("version", "NOT_FOUND", "Could not find version 9"),
        ("label", "NOT_FOUND", "nightly"),
        ("shape", "INVALID_ARGUMENT", "/inputs/image/0: "),
        ("output", "INVALID_ARGUMENT", "/outputs/0/name: "),
        ("classes", "INVALID_ARGUMENT", "/outputs/0/parameters/classification: "),
        ("image", "INVALID_ARGUMENT", "/inputs/image/0: "),
        ("metadata", "NOT_FOUND", "nobody"),
    ],
)
def test_what_is_wrong_is_refused_with_its_field(found: Any, name: str, status: str, said: str) -> None:
    got = found["refused"][name]
    assert got[0] == f"StatusCode.{status}"
    assert said in got[1]


def test_a_deadline_ends_the_call(found: Any) -> None:
    assert found["refused"]["deadline"] == ["StatusCode.DEADLINE_EXCEEDED"]
