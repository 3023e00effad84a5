"""Both protocols over one gateway in this process: one batch, one deadline, one health; over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import uvicorn
from google.protobuf import descriptor_pool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from serving.app import create_app
from serving.backend_protocol import Arrays, Target
from serving.backends.in_memory import InMemoryBackend
from serving.backends.tensorflow_messages import message_module
from serving.contract.tensors import Array, Signature, TensorSpec
from serving.gateway import Gateway
from serving.settings import Settings

SIGNATURE = Signature((TensorSpec("x", "float32", ()),), (TensorSpec("value", "float32", (1,)),))
MODELS = {"doubles": {1: {"serving_default": SIGNATURE}}}
PREDICT = "/tensorflow.serving.PredictionService/Predict"
Predict = message_module("tensorflow_serving.apis.predict_pb2")


def doubled(_: Target, inputs: Arrays) -> dict[str, Array]:
    return {"value": inputs["x"][:, None] * 2}


class GatedBackend(InMemoryBackend):
    """Runs nothing before `open` is set; `rows` has the size of every call."""

    def __init__(self) -> None:
        super().__init__(MODELS, doubled)
        self.open = asyncio.Event()
        self.rows: list[int] = []

    async def predict(self, target: Target, inputs: Arrays, deadline_seconds: float) -> dict[str, Array]:
        self.rows.append(len(inputs["x"]))
        await self.open.wait()
        return await super().predict(target, inputs, deadline_seconds)


@dataclass(frozen=True)
class Running:
    backend: GatedBackend
    gateway: Gateway
    channel: grpc.aio.Channel
    rest_port: int
    server: uvicorn.Server

    def predict(self, value: float, **options: Any) -> Any:
        request = Predict.PredictRequest()
        request.model_spec.name = "doubles"
        tensor = request.inputs["x"]
        tensor.dtype = 1
        tensor.tensor_shape.dim.add(size=1)
        tensor.float_val.append(value)
        ask = self.channel.unary_unary(PREDICT, response_deserializer=Predict.PredictResponse.FromString)
        return ask(request.SerializeToString(), **options)

    async def post(self, value: float) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.rest_port)
        body = b'{"instances":[%f]}' % value
        head = b"POST /v1/models/doubles:predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        writer.write(head % len(body) + body)
        answer = await reader.read()
        writer.close()
        return answer

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let the loop turn until it is so."""
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0)

    def queued(self) -> int:
        return self.gateway.batcher.core.queued_rows


@asynccontextmanager
async def running(tmp_path: Path, **settings: Any) -> AsyncIterator[Running]:
    backend = GatedBackend()
    given = {"models": tmp_path, "grpc_port": 0, "max_in_flight_batches": 1, "drain_seconds": 20.0, **settings}
    app = create_app(Settings(**given), backend=backend)
    (tmp_path / "doubles" / "1").mkdir(parents=True)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    serving = asyncio.create_task(server.serve())
    gateway: Gateway = app.state.gateway
    await gateway.started.wait()
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event
        await asyncio.sleep(0)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{gateway.grpc.port}") as channel:
        try:
            yield Running(backend, gateway, channel, port, server)
        finally:
            backend.open.set()
            server.should_exit = True
            await serving


def in_loop(test: Callable[[Path], Coroutine[Any, Any, None]]) -> Callable[[Path], None]:
    def run(tmp_path: Path) -> None:
        asyncio.run(test(tmp_path))

    run.__name__ = test.__name__
    return run


@in_loop
async def test_a_rest_and_a_grpc_request_ride_in_one_batch(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        first = asyncio.ensure_future(here.predict(1.0))
        await here.until(lambda: here.backend.rows == [1])
        over_grpc, over_rest = asyncio.ensure_future(here.predict(2.0)), asyncio.ensure_future(here.post(3.0))
        await here.until(lambda: here.queued() == 2)
        here.backend.open.set()
        assert (await first).outputs["value"].float_val[:] == [2.0]
        assert (await over_grpc).outputs["value"].float_val[:] == [4.0]
        answer = await over_rest
        assert b'{"predictions":[[6.0]]}' in answer
        assert b'batch;desc="2 rows"' in answer
        assert here.backend.rows == [1, 2]


@in_loop
async def test_a_cancelled_call_frees_its_place_in_the_queue(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        first = asyncio.ensure_future(here.predict(1.0))
        await here.until(lambda: here.backend.rows == [1])
        waiting = here.predict(2.0)
        await here.until(lambda: here.queued() == 1)
        waiting.cancel()
        await here.until(lambda: here.queued() == 0)
        here.backend.open.set()
        await first
        assert here.backend.rows == [1]


@in_loop
async def test_a_deadline_frees_its_place_in_the_queue(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        first = asyncio.ensure_future(here.predict(1.0))
        await here.until(lambda: here.backend.rows == [1])
        late = here.predict(2.0, timeout=0.2)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await late
        assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await here.until(lambda: here.queued() == 0)
        here.backend.open.set()
        await first
        assert here.backend.rows == [1]


@in_loop
async def test_our_own_limit_is_told_with_the_requests_id(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        metadata = (("x-request-timeout-ms", "50"), ("x-request-id", "mine-7"))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await here.predict(1.0, metadata=metadata)
        assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        trailing = dict(refused.value.trailing_metadata())
        assert (trailing["x-request-id"], trailing["x-error-code"]) == ("mine-7", "DeadlineExceeded")


@in_loop
async def test_a_full_queue_says_when_to_come_back(tmp_path: Path) -> None:
    async with running(tmp_path, max_queue_rows=1) as here:
        asked = [asyncio.ensure_future(here.predict(1.0))]
        await here.until(lambda: here.backend.rows == [1])
        asked.append(asyncio.ensure_future(here.predict(2.0)))
        await here.until(lambda: here.queued() == 1)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await here.predict(3.0)
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert b"google.rpc.RetryInfo" in dict(refused.value.trailing_metadata())["grpc-status-details-bin"]
        here.backend.open.set()
        await asyncio.gather(*asked)


@in_loop
async def test_health_follows_readiness_and_draining(tmp_path: Path) -> None:
    async with running(tmp_path, required_models=("doubles", "other"), poll_seconds=0.01) as here:
        stub = health_pb2_grpc.HealthStub(here.channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(service="tensorflow.serving.PredictionService"))
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        here.gateway.catalog.been_live |= {"other"}
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        for service in ("", "inference.GRPCInferenceService", "tensorflow.serving.ModelService"):
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        asked = asyncio.ensure_future(here.predict(1.0))
        await here.until(lambda: here.backend.rows == [1])
        stopping = asyncio.create_task(here.gateway.grpc.stop())
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watch.cancel()
        here.backend.open.set()
        assert (await asked).outputs["value"].float_val[:] == [2.0]  # what is in is finished
        await stopping


@in_loop
async def test_a_client_that_knows_nothing_finds_everything_by_reflection(tmp_path: Path) -> None:
    async with running(tmp_path) as here:
        here.backend.open.set()
        answer = await asyncio.to_thread(ask_by_reflection, f"127.0.0.1:{here.gateway.grpc.port}")
        assert answer == [3.0]


def ask_by_reflection(address: str) -> Any:
    """A prediction with message classes that the server itself described, as grpcurl does it."""
    with grpc.insecure_channel(address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        assert set(database.get_services()) == {
            "grpc.health.v1.Health",
            "grpc.reflection.v1alpha.ServerReflection",
            "inference.GRPCInferenceService",
            "tensorflow.serving.ModelService",
            "tensorflow.serving.PredictionService",
        }
        pool = descriptor_pool.DescriptorPool(database)
        for service in ("PredictionService", "ModelService"):
            assert pool.FindServiceByName(f"tensorflow.serving.{service}").methods
        method = pool.FindServiceByName("inference.GRPCInferenceService").methods_by_name["ModelInfer"]
        request: Any = GetMessageClass(method.input_type)(model_name="doubles", model_version="1")
        request.inputs.add(name="x", datatype="FP32", shape=[1]).contents.fp32_contents.append(1.5)
        ask = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        return np.ravel(ask(request).outputs[0].contents.fp32_contents).tolist()
