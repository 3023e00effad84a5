"""Both protocols over one gateway in this process: one batch, one deadline, one health; over real sockets."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf import descriptor_pool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from tests.integration.grpc.gated_gateway import in_loop, running


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
