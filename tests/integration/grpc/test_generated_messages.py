"""The generated messages are what `make proto` would write today."""

import subprocess
import sys
from pathlib import Path

from google.protobuf import descriptor_pb2

from serving.grpc import inference_pb2

ROOT = Path(__file__).parents[3]


def test_the_committed_messages_are_those_of_the_proto(tmp_path: Path) -> None:
    written = tmp_path / "set.pb"
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "grpc_tools.protoc", "-I", ".", f"--descriptor_set_out={written}",
         "serving/grpc/inference.proto"], cwd=ROOT, check=True,
    )  # fmt: skip
    (fresh,) = descriptor_pb2.FileDescriptorSet.FromString(written.read_bytes()).file
    committed = descriptor_pb2.FileDescriptorProto()
    inference_pb2.DESCRIPTOR.CopyToProto(committed)
    for message in fresh.message_type:  # protoc writes JSON names, the pool does not keep them
        _without_json_names(message)
    for message in committed.message_type:
        _without_json_names(message)
    assert fresh == committed


def _without_json_names(message: descriptor_pb2.DescriptorProto) -> None:
    for field in message.field:
        field.ClearField("json_name")
    for nested in message.nested_type:
        _without_json_names(nested)
