"""The generated messages are what `make proto` would write today, and the client's say what the gateway's do."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2
from penstock_client import grpc_messages_pb2

from serving.backends.tensorflow_messages import message_module
from serving.grpc import inference_pb2

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("folder", "proto", "messages"),
    [
        (".", "serving/grpc/inference.proto", inference_pb2),
        ("clients/python", "penstock_client/grpc_messages.proto", grpc_messages_pb2),
    ],
)
def test_the_committed_messages_are_those_of_the_proto(folder: str, proto: str, messages: Any, tmp_path: Path) -> None:
    written = tmp_path / "set.pb"
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "grpc_tools.protoc", "-I", folder, f"--descriptor_set_out={written}",
         proto], cwd=ROOT, check=True,
    )  # fmt: skip
    (fresh,) = descriptor_pb2.FileDescriptorSet.FromString(written.read_bytes()).file
    committed = descriptor_pb2.FileDescriptorProto()
    messages.DESCRIPTOR.CopyToProto(committed)
    for message in fresh.message_type:  # protoc writes JSON names, the pool does not keep them
        _without_json_names(message)
    for message in committed.message_type:
        _without_json_names(message)
    assert fresh == committed


def test_the_clients_messages_have_the_gateways_names_numbers_and_types() -> None:
    """All of them in this one process: nobody's full names are another's."""
    theirs = {
        **inference_pb2.DESCRIPTOR.message_types_by_name,
        **message_module("tensorflow_serving.apis.get_model_status_pb2").DESCRIPTOR.message_types_by_name,
    }
    calls = grpc_messages_pb2.DESCRIPTOR.message_types_by_name
    said = [name for name in calls if name.endswith(("Request", "Response")) and name != "BadRequest"]
    for name in said:
        _check(calls[name], theirs[name])
    assert len(said) == 8


def _check(ours: Any, theirs: Any) -> None:
    for field in ours.fields:
        there = theirs.fields_by_name[field.name]
        kind = there.TYPE_INT32 if there.type == there.TYPE_ENUM else there.type  # which travel alike
        assert (field.number, field.type, field.is_repeated) == (there.number, kind, there.is_repeated)
        if field.message_type:
            _check(field.message_type, there.message_type)


def _without_json_names(message: descriptor_pb2.DescriptorProto) -> None:
    for field in message.field:
        field.ClearField("json_name")
    for nested in message.nested_type:
        _without_json_names(nested)
