"""An app of Triton's: its own client and nothing of ours, run in `.venv-triton`. Writes what it got, as JSON.

usage: triton_client.py GRPC_ADDRESS
"""

import asyncio
import json
import queue
import sys
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from google.protobuf import descriptor_pb2
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

PIXELS = (np.arange(2 * 64, dtype=np.float32) % 17).reshape(2, 8, 8)


def image(pixels: Any = PIXELS, datatype: str = "FP32") -> Any:
    tensor = triton.InferInput("image", list(pixels.shape), datatype)
    tensor.set_data_from_numpy(pixels)
    return tensor


def refused(ask: Any, *arguments: Any, **options: Any) -> list[str]:
    try:
        ask(*arguments, **options)
    except InferenceServerException as error:
        return [str(error.status()), str(error.message())]
    return ["OK", ""]


def descriptors() -> dict[str, Any]:
    """Every message as {field: [number, type, label]} and every enum's values, for comparing with our own .proto."""
    proto = descriptor_pb2.FileDescriptorProto()
    found: dict[str, Any] = {}

    def walk(prefix: str, message: Any) -> None:
        name = f"{prefix}{message.name}"
        found[name] = {field.name: [field.number, field.type, field.label, field.type_name] for field in message.field}
        for nested in message.nested_type:
            walk(f"{name}.", nested)

    for module in (service_pb2, sys.modules["tritonclient.grpc.model_config_pb2"]):
        module.DESCRIPTOR.CopyToProto(proto)
        for message in proto.message_type:
            walk("", message)
        for enum in proto.enum_type:
            found[f"enum {enum.name}"] = {value.name: value.number for value in enum.value}
    return found


def synchronous(client: Any) -> dict[str, Any]:
    wanted = [triton.InferRequestedOutput("probabilities")]
    answer = client.infer(
        "digits", [image()], outputs=wanted, request_id="mine-1", model_version="1", timeout=5_000_000
    )
    response = answer.get_response()
    metadata = client.get_model_metadata("digits")
    config = client.get_model_config("digits").config
    whole = client.infer("digits", [image(PIXELS.astype(np.int32), "INT32")])
    done: queue.Queue[Any] = queue.Queue()
    client.async_infer("digits", [image()], lambda result, error: done.put((result, error)))
    later, failure = done.get(timeout=30)
    return {
        "live": [client.is_server_live(), client.is_server_ready()],
        "model_ready": [
            client.is_model_ready("digits"),
            client.is_model_ready("digits", "9"),
            client.is_model_ready("x"),
        ],
        "server": [client.get_server_metadata().name, list(client.get_server_metadata().extensions)],
        "metadata": [metadata.name, list(metadata.versions), metadata.platform],
        "inputs": [[each.name, each.datatype, list(each.shape)] for each in metadata.inputs],
        "outputs": [[each.name, each.datatype, list(each.shape)] for each in metadata.outputs],
        "config": [config.name, config.input[0].data_type, list(config.input[0].dims), config.max_batch_size],
        "parameters": {name: json.loads(each.string_value) for name, each in config.parameters.items()},
        "statistics": [
            [each.name, each.version, each.inference_count, each.execution_count, each.inference_stats.success.count]
            for each in client.get_inference_statistics("digits").model_stats
        ],
        "index": [[each.name, each.version, each.state] for each in client.get_model_repository_index().models],
        "values": answer.as_numpy("probabilities").tolist(),
        "answered": [response.model_name, response.model_version, response.id],
        "whole": whole.as_numpy("probabilities").tolist(),
        "later": [failure is None, later.as_numpy("probabilities").tolist()],
    }


def typed(channel_address: str) -> dict[str, Any]:
    """Without raw contents, as KServe's and MLServer's clients send them."""
    import grpc  # noqa: PLC0415 - of this environment, not ours

    with grpc.insecure_channel(channel_address) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        request = service_pb2.ModelInferRequest(model_name="digits", id="typed")
        tensor = request.inputs.add(name="image", datatype="FP32", shape=[2, 8, 8])
        tensor.contents.fp32_contents.extend(PIXELS.ravel().tolist())
        answer = stub.ModelInfer(request)
        request.inputs[0].shape[0] = 10**13
        try:
            stub.ModelInfer(request)
            code, field = "OK", ""
        except grpc.RpcError as error:
            code, field = error.code().name, dict(error.trailing_metadata())["x-error-field"]
    return {
        "values": list(answer.outputs[0].contents.fp32_contents),
        "shape": list(answer.outputs[0].shape),
        "raw": len(answer.raw_output_contents),
        "huge": [code, field],
    }


def streamed(client: Any) -> list[Any]:
    answers: queue.Queue[Any] = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)))
    for number in range(10):
        model = "digits" if number != 4 else "nobody"
        client.async_stream_infer(model, [image()], request_id=str(number))
    got = [answers.get(timeout=30) for _ in range(10)]
    client.stop_stream()
    return [
        str(error) if error else [result.get_response().id, result.as_numpy("probabilities").tolist()]
        for result, error in got
    ]


async def asynchronous(address: str) -> dict[str, Any]:
    async with triton_aio.InferenceServerClient(address) as client:
        answers = await asyncio.gather(*(client.infer("digits", [image()]) for _ in range(20)))

        async def questions() -> AsyncIterator[dict[str, Any]]:
            for number in range(5):
                yield {"model_name": "digits", "inputs": [image()], "request_id": str(number)}

        stream = client.stream_infer(questions())
        ids = [result.get_response().id async for result, error in stream if error is None]
        return {
            "ready": await client.is_server_ready(),
            "values": [answer.as_numpy("probabilities").tolist() for answer in answers],
            "stream_ids": ids,
        }


def refusals(client: Any) -> dict[str, Any]:
    short = triton.InferInput("image", [1, 8], "FP32")
    short.set_data_from_numpy(np.zeros((1, 8), np.float32))
    many = image(np.repeat(PIXELS, 8000, axis=0))  # far more work than fits the deadline, anywhere
    return {
        "model": refused(client.infer, "nobody", [image()]),
        "version": refused(client.infer, "digits", [image()], model_version="9"),
        "label": refused(client.infer, "digits", [image()], model_version="nightly"),
        "shape": refused(client.infer, "digits", [short]),
        "output": refused(client.infer, "digits", [image()], outputs=[triton.InferRequestedOutput("logits")]),
        "classes": refused(
            client.infer, "digits", [image()], outputs=[triton.InferRequestedOutput("probabilities", class_count=2)]
        ),
        "image": refused(client.infer, "digits", [image(np.array([b"no image" * 20], object), "BYTES")]),
        "deadline": refused(client.infer, "digits", [many], client_timeout=0.001)[:1],
        "metadata": refused(client.get_model_metadata, "nobody"),
    }


def main() -> None:
    address = sys.argv[1]
    with triton.InferenceServerClient(address) as client:
        found = {
            "descriptors": descriptors(),
            "sync": synchronous(client),
            "typed": typed(address),
            "stream": streamed(client),
            "refused": refusals(client),
        }
    found["aio"] = asyncio.run(asynchronous(address))
    found["ours"] = [name for name in sys.modules if name.split(".")[0] in ("serving", "training", "penstock_client")]
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
