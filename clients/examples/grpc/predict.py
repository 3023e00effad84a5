"""Asks Penstock's gateway by plain gRPC, as a program in any language can: `inference.proto` and a gRPC library.

usage: predict.py HOST:PORT MODEL PICTURE.png | NAME=NUMBER ...
"""

import json
import struct
import sys
from pathlib import Path
from typing import Any

import grpc
import inference_pb2 as messages
import inference_pb2_grpc

TIMEOUT_SECONDS = 2.0


def main(address: str, model: str, *inputs: str) -> None:
    with grpc.insecure_channel(address) as channel:
        gateway = inference_pb2_grpc.GRPCInferenceServiceStub(channel)
        try:
            config = gateway.ModelConfig(messages.ModelConfigRequest(name=model), timeout=TIMEOUT_SECONDS).config
            manifest = json.loads(config.parameters["metadata"].string_value)["metadata"]["manifest"]
            question = picture(model, manifest, inputs[0]) if "=" not in inputs[0] else record(model, inputs)
            answer, call = gateway.ModelInfer.with_call(question, timeout=TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            told = dict(error.trailing_metadata() or ())
            sys.exit(f"{told.get('x-error-code', error.code().name)}: {error.details()}")
    receipt = dict(call.trailing_metadata())
    numbers = struct.unpack(f"<{len(answer.raw_output_contents[0]) // 4}f", answer.raw_output_contents[0])
    print(said(manifest["outputs"], numbers), f"(version {answer.model_version}, request {receipt['x-request-id']})")


def picture(model: str, manifest: dict[str, Any], file: str) -> Any:
    """An image goes as its file: a string of bytes, which begins with its length."""
    question, content = messages.ModelInferRequest(model_name=model), Path(file).read_bytes()
    question.inputs.add(name=manifest["features"][0]["name"], datatype="BYTES", shape=[1])
    question.raw_input_contents.append(struct.pack("<I", len(content)) + content)
    return question


def record(model: str, inputs: tuple[str, ...]) -> Any:
    """A tensor for each feature: of as many numbers as there are rows, here one."""
    question = messages.ModelInferRequest(model_name=model)
    for name, _, number in (each.partition("=") for each in inputs):
        question.inputs.add(name=name, datatype="FP32", shape=[1])
        question.raw_input_contents.append(struct.pack("<f", float(number)))
    return question


def said(outputs: dict[str, Any], numbers: tuple[float, ...]) -> str:
    if outputs["task"] == "regression":
        return f"{outputs['target']} = {numbers[0]:.4g} {outputs['unit']}".rstrip()
    return f"{outputs['labels'][numbers.index(max(numbers))]} {max(numbers):.1%}"


if __name__ == "__main__":
    main(*sys.argv[1:])
