"""A gateway in this process, over real sockets, whose backend answers when the test lets it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import uvicorn

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

    @property
    def grpc_url(self) -> str:
        return f"grpc://127.0.0.1:{self.gateway.grpc.port}"

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
