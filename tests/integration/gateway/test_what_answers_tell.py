"""No answer tells of the machine: no traceback, path, package or banner, whatever is asked and whatever breaks."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from fastapi import FastAPI

from serving.app import create_app
from serving.backends.in_memory import InMemoryBackend
from serving.gateway import Gateway
from serving.settings import Settings
from tests.doubles import doubles_manifest, publish_in_miniature
from tests.integration.gateway.test_every_door import MODELS, about, methods_of, routes_of
from tests.processes import StartGateway
from tests.unit.serving.gateway_parts import answered, ask, doubled

BROKEN = (
    b"",
    b"{",
    b"{}",
    b'{"instances": [{"x": "a"}]}',
    b'{"instances": [{"x": 1.0}]}',
    b'{"inputs": 1}',
    b"\xff\x00",
)
HIDDEN = "/srv/secret-place/weights.bin"
METHODS = ("GET", "POST", "PUT", "DELETE")
SERVICES = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1alpha.ServerReflection",
    "inference.GRPCInferenceService",
    "tensorflow.serving.ModelService",
    "tensorflow.serving.PredictionService",
]
PACKAGES = ("uvicorn", "fastapi", "starlette", "pydantic", "site-packages", "grpcio", "numpy", "python/")


def raising(*_: object) -> Any:
    raise RuntimeError(f"cannot read {HIDDEN}")


def telling(text: str, folder: Path) -> list[str]:
    """What of the machine is in an answer."""
    words = ("Traceback", 'File "', ".py", "RuntimeError", HIDDEN, "secret-place", str(folder), str(Path.cwd()))
    return [word for word in (*words, *PACKAGES) if word.lower() in text.lower()]


@asynccontextmanager
async def running(folder: Path, compute: Any) -> AsyncIterator[tuple[FastAPI, grpc.aio.Channel]]:
    for name in MODELS:
        (folder / "models" / name / "1").mkdir(parents=True)
    app = create_app(Settings(models=folder / "models", grpc_port=0), backend=InMemoryBackend(MODELS, compute))
    gateway: Gateway = app.state.gateway
    async with gateway.running():
        await gateway.started.wait()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{gateway.grpc.port}") as channel:
            yield app, channel


@pytest.mark.parametrize("compute", [doubled, raising])
def test_no_answer_over_rest_tells_of_the_machine(tmp_path: Path, compute: Any) -> None:
    async def work() -> tuple[dict[str, list[str]], set[int]]:
        told, statuses = {}, set()
        async with running(tmp_path, compute) as (app, _):
            paths = [path for _, path in routes_of(app)]
            nobody = [path.replace("others", "nobody") for path in paths] + [
                "/../../etc/passwd",
                "/v1/models/%00",
                "/.git",
            ]
            for path in sorted({*paths, *nobody}):
                for method in METHODS:
                    for body in BROKEN if method == "POST" else BROKEN[:1]:
                        status, headers, content = await asked(app, path, method, body)
                        statuses.add(status)
                        text = content if status >= 400 else ""
                        if found := telling(f"{headers} {text}", tmp_path):
                            told[f"{method} {path} {body!r}: {status}"] = [*found, text]
        return told, statuses

    told, statuses = asyncio.run(work())
    assert told == {}
    assert statuses >= {200, 400, 404, 405}
    assert (500 in statuses) == (compute is raising), "an internal error was among them"


async def asked(app: FastAPI, path: str, method: str, body: bytes) -> tuple[int, str, str]:
    headers = {"content-type": "application/json"} if body else {}
    answer = answered(await ask(app.state.front, path, method=method, body=body, headers=headers))
    assert "server" not in {name.lower() for name in answer.headers}
    return answer.status, str(answer.headers), answer.body.decode(errors="replace")


@pytest.mark.parametrize("compute", [doubled, raising])
def test_no_answer_over_grpc_tells_of_the_machine(tmp_path: Path, compute: Any) -> None:
    async def work() -> tuple[dict[str, list[str]], set[grpc.StatusCode]]:
        told, codes = {}, set()
        async with running(tmp_path, compute) as (_, channel):
            for _, method, message in methods_of(SERVICES):
                if method.endswith("/Watch"):
                    continue  # it has no end
                for request in (
                    b"\xff\xff\xff",
                    b"",
                    *(filled(about(message(), name)) for name in ("others", "nobody")),
                ):
                    code, text = await called(channel, method, request)
                    codes.add(code)
                    if found := telling(text, tmp_path):
                        told[f"{method} {request!r}"] = [*found, text]
        return told, codes

    told, codes = asyncio.run(work())
    assert told == {}
    assert codes >= {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND}
    assert (grpc.StatusCode.INTERNAL in codes) or compute is doubled


def filled(message: Any) -> bytes:
    """The request with a number for `x`, where it takes tensors by name."""
    fields = message.DESCRIPTOR.fields_by_name
    if "inputs" in fields and "model_spec" in fields:
        message.inputs["x"].dtype = 1
        message.inputs["x"].float_val.append(1.0)
        message.inputs["x"].tensor_shape.dim.add().size = 1
    return bytes(message.SerializeToString())


async def called(channel: grpc.aio.Channel, method: str, request: bytes) -> tuple[grpc.StatusCode, str]:
    """The code, and all that a refusal says."""
    asking = channel.unary_stream(method, request_serializer=bytes, response_deserializer=bytes)
    try:
        async for _ in asking(request, timeout=30):
            break
    except grpc.aio.AioRpcError as error:
        return error.code(), f"{error.details()} {error.initial_metadata()} {error.trailing_metadata()}"
    return grpc.StatusCode.OK, ""


def test_no_answer_of_the_server_itself_has_a_banner(start_gateway: StartGateway, tmp_path: Path) -> None:
    """What the application never sees is answered by the server below it."""
    publish_in_miniature(tmp_path / "models", doubles_manifest())
    gateway = start_gateway("--models", str(tmp_path / "models"), PENSTOCK_BACKEND="in_memory")
    port = int(gateway.url.rpartition(":")[2])
    for request in (
        b"GET /v1/models HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"no request at all\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
        b"POST /v1/models/doubles:predict HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            try:
                connection.sendall(request)
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
            except ConnectionError:
                continue  # it was closed before all of it was sent: nothing is told either
        head = answer.partition(b"\r\n\r\n")[0].lower()
        assert b"\r\nserver:" not in head, answer
        assert b"x-powered-by" not in head, answer
        assert telling(answer.decode(errors="replace"), tmp_path) == [], answer
