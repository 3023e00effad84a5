"""A closed loop of gRPC Predict calls from this process, and the request they carry.

A client in Python is no faster than what it asks, so what counts is the server's own processor time.
"""

import asyncio
import time

import grpc
import numpy as np

from loadtests.bench.dense_model import CLASSES, INPUT, MODEL, OUTPUT, Floats
from loadtests.bench.errors import WrongAnswer
from loadtests.bench.processes import ServerProcess, cpu_seconds
from loadtests.bench.samples import Sample, percentile
from serving.backends.tensorflow_messages import message_module
from serving.grpc.tensor_values import array_of, fill_tensor

METHOD = "/tensorflow.serving.PredictionService/Predict"
ANSWER_BYTES = 1 << 20


def predict_request(rows: Floats) -> bytes:
    request = message_module("tensorflow_serving.apis.predict_pb2").PredictRequest()
    request.model_spec.name = MODEL
    fill_tensor(request.inputs[INPUT], rows, as_content=True)
    return bytes(request.SerializeToString())


def read_answer(message: bytes) -> Floats:
    """Probabilities of a PredictResponse; no rows of an empty message. Raises WrongAnswer for another output."""
    if not message:
        return np.zeros((0, CLASSES), np.float32)
    answer = message_module("tensorflow_serving.apis.predict_pb2").PredictResponse.FromString(message)
    if OUTPUT not in answer.outputs:
        raise WrongAnswer(f"Predict answered outputs {sorted(answer.outputs)} where {OUTPUT} is right")
    return np.asarray(array_of(answer.outputs[OUTPUT], "/outputs", ANSWER_BYTES), np.float32)


def call_once(address: str, message: bytes) -> bytes:
    """Raises grpc.RpcError when nobody answers or the answer is an error."""
    with grpc.insecure_channel(address) as channel:
        return bytes(channel.unary_unary(METHOD)(message, timeout=10, wait_for_ready=False))


def answers_grpc(address: str, message: bytes) -> bool:
    try:
        call_once(address, message)
    except grpc.RpcError:
        return False
    return True


async def keep_calling(server: ServerProcess, message: bytes, waiting: int, seconds: float) -> Sample:
    """Keeps `waiting` calls under way on one channel for `seconds`. Raises grpc.RpcError when one fails."""
    took: list[float] = []
    async with grpc.aio.insecure_channel(server.grpc_address) as channel:
        call = channel.unary_unary(METHOD)
        await call(message)
        started, used = time.monotonic(), cpu_seconds(server.pid)

        async def keep_asking() -> None:
            while (asked := time.monotonic()) - started < seconds:
                await call(message)
                took.append(time.monotonic() - asked)

        await asyncio.gather(*(keep_asking() for _ in range(waiting)))
        wall, cpu = time.monotonic() - started, cpu_seconds(server.pid) - used
    took.sort()
    return Sample(len(took), wall, cpu, percentile(took, 0.5) * 1e3, percentile(took, 0.99) * 1e3)
