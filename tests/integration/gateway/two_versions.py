"""A gateway in this process with a stable version and a canary, and clients of every protocol."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
from fastapi import FastAPI

from serving.app import create_app
from serving.backend_protocol import Arrays, Target
from serving.backends.in_memory import InMemoryBackend, Run
from serving.backends.tensorflow_messages import message_module
from serving.contract.tensors import Array, Signature, TensorSpec
from serving.gateway import Gateway
from serving.grpc import inference_pb2 as inference
from serving.model_store.labels import set_label
from serving.model_store.traffic import Traffic, set_traffic
from serving.settings import Settings
from tests.doubles import doubles_manifest, publish_in_miniature
from tests.unit.serving.gateway_parts import Answer, answered, ask

SIGNATURE = Signature((TensorSpec("x", "float32", ()),), (TensorSpec("value", "float32", (1,)),))
STABLE, CANARY = 1, 2
PREDICT, INFER = "/tensorflow.serving.PredictionService/Predict", "/inference.GRPCInferenceService/ModelInfer"
Predict = message_module("tensorflow_serving.apis.predict_pb2")
WITHIN_SECONDS = 30.0
"""Ten times what waiting for a poll takes, and more."""


def doubled(_: Target, inputs: Arrays) -> dict[str, Array]:
    return {"value": inputs["x"][:, None] * 2}


@dataclass
class Running:
    app: FastAPI
    gateway: Gateway
    models: Path
    channel: grpc.aio.Channel

    def traffic(self, traffic: Traffic) -> None:
        set_traffic(self.models, "doubles", traffic, by="test", reason="", now=datetime.now(UTC))

    async def split(self, traffic: Traffic) -> None:
        """And wait until the gateway has seen it."""
        self.traffic(traffic)
        await self.until(lambda: self.gateway.catalog.view.models["doubles"].traffic == traffic)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_SECONDS):
            while not condition():  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.001)

    async def rest(self, path: str = "/v1/models/doubles:predict", body: object = None, **headers: str) -> Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        body = {"instances": [{"x": 1.5}]} if body is None else body
        return answered(await ask(self.app.state.front, path, body=body, headers=given))

    async def rest_version(self, **headers: str) -> int:
        answer = await self.rest(**headers)
        assert answer.status == 200, answer.body
        return int(answer.headers["x-model-version"])

    async def oip_version(self, **headers: str) -> int:
        body = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1], "data": [1.5]}]}
        answer = await self.rest("/v2/models/doubles/infer", body, **headers)
        assert answer.status == 200, answer.body
        return int(answer.headers["x-model-version"])

    async def grpc_version(self, **metadata: str) -> int:
        request = Predict.PredictRequest()
        request.model_spec.name = "doubles"
        tensor = request.inputs["x"]
        tensor.dtype = 1
        tensor.tensor_shape.dim.add(size=1)
        tensor.float_val.append(1.5)
        ask_one = self.channel.unary_unary(PREDICT, response_deserializer=Predict.PredictResponse.FromString)
        answer = await ask_one(request.SerializeToString(), metadata=tuple(_names(metadata).items()))
        return int(answer.model_spec.version.value)

    async def inference_version(self, **metadata: str) -> int:
        ask_one = self.channel.unary_unary(INFER, response_deserializer=inference.ModelInferResponse.FromString)
        answer = await ask_one(infer_request().SerializeToString(), metadata=tuple(_names(metadata).items()))
        return int(answer.model_version)

    async def stats(self) -> dict[str, Any]:
        answer = answered(await ask(self.app, "/v2/models/doubles/stats", method="GET"))
        found: dict[str, Any] = answer.json["traffic"]
        return found


def _names(metadata: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in metadata.items()}


def infer_request() -> Any:
    request = inference.ModelInferRequest(model_name="doubles")
    tensor = request.inputs.add(name="x", datatype="FP32", shape=[1])
    tensor.contents.fp32_contents.append(1.5)
    return request


@asynccontextmanager
async def running(
    tmp_path: Path, run: Run = doubled, *, clock: Callable[[], float] = time.monotonic, **settings: Any
) -> AsyncIterator[Running]:
    """Version 1 is stable and version 2 the canary; `run` answers for both."""
    models = tmp_path / "models"
    for version, label in ((STABLE, "stable"), (CANARY, "canary")):
        publish_in_miniature(models, doubles_manifest(version=version))
        set_label(models, "doubles", label, version, by="test", reason="", now=datetime.now(UTC))
    backend = InMemoryBackend({"doubles": {v: {"serving_default": SIGNATURE} for v in (STABLE, CANARY)}}, run)
    given = Settings(models=models, grpc_port=0, poll_seconds=0.01, **settings)
    app = create_app(given, backend=backend, clock=clock)
    gateway: Gateway = app.state.gateway
    async with app.router.lifespan_context(app):
        await gateway.started.wait()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{gateway.grpc.port}") as channel:
            yield Running(app, gateway, models, channel)


def in_loop(test: Callable[[Path], Coroutine[Any, Any, None]]) -> Callable[[Path], None]:
    def run(tmp_path: Path) -> None:
        asyncio.run(test(tmp_path))

    run.__name__ = test.__name__
    return run
