"""Every route of the application and every method of its gRPC server, by their own tables: open by name, or closed to
whoever shows nothing, and cut to what whoever shows something may see.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from fastapi import FastAPI
from google.protobuf import descriptor_pool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from serving.app import create_app
from serving.backends.in_memory import InMemoryBackend
from serving.contract.tensors import Signature, TensorSpec
from serving.gateway import Gateway
from serving.keys_verb import run as keys
from serving.rest.guard import Needs
from serving.settings import Settings
from tests.unit.serving.gateway_parts import Answer, answered, ask, doubled

SIGNATURE = Signature((TensorSpec("x", "float32", ()),), (TensorSpec("value", "float32", (1,)),))
MODELS = {name: {1: {"serving_default": SIGNATURE}} for name in ("doubles", "others")}
OPEN_PATHS = {"/livez", "/healthz", "/startupz", "/readyz", "/v2/health/live", "/v2/health/ready", "/", "/console"}
OPEN_PATHS |= {"/docs", "/docs/oauth2-redirect", "/redoc", "/static-offline-docs", "/openapi.json"}
OPEN_SERVICE = "grpc.health.v1.Health"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
REFLECTION = "grpc.reflection.v1alpha.ServerReflection"


@dataclass(frozen=True)
class Running:
    app: FastAPI
    channel: grpc.aio.Channel
    key: str
    narrow: str
    """A key for predictions and reading of `doubles`."""

    async def ask(self, method: str, path: str, key: str = "") -> Answer:
        headers = {"x-api-key": key} if key else {}
        return answered(await ask(self.app.state.front, path, method=method, body=b"{}", headers=headers))

    async def call(self, method: str, request: Any, key: str = "") -> grpc.StatusCode:
        """Of a method of any kind. The request goes out in one piece: a grpc.aio client that streams it says INTERNAL
        where the refusal came before it was done.
        """
        metadata = [("x-api-key", key)] if key else []
        asking = self.channel.unary_stream(method, request_serializer=_serialized, response_deserializer=bytes)
        try:
            async for _ in asking(request, metadata=metadata, timeout=30):
                break
        except grpc.aio.AioRpcError as error:
            return error.code()
        return grpc.StatusCode.OK


def _serialized(message: Any) -> bytes:
    return bytes(message.SerializeToString())


def new_key(file: Path, name: str, *more: str) -> str:
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(io.StringIO()):
        keys(["new", name, "--file", str(file), *more])
    return said.getvalue().strip()


@asynccontextmanager
async def running(folder: Path, **settings: Any) -> AsyncIterator[Running]:
    for name in MODELS:
        (folder / "models" / name / "1").mkdir(parents=True)
    file = folder / "keys.toml"
    key = new_key(file, "all", "--verbs", "predict,read,metrics")
    narrow = new_key(file, "narrow", "--models", "doubles")
    given = Settings(models=folder / "models", grpc_port=0, api_keys=file, **settings)
    app = create_app(given, backend=InMemoryBackend(MODELS, doubled))
    gateway: Gateway = app.state.gateway
    async with gateway.running():
        await gateway.started.wait()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{gateway.grpc.port}") as channel:
            yield Running(app, channel, key, narrow)


def routes_of(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Each template with a path of it."""
    stack = list(app.router.routes)
    while stack:
        route: Any = stack.pop()
        if (inner := getattr(route, "original_router", None)) is not None:
            stack += inner.routes
            continue
        path = route.path.format(model="others", version="1", label="stable")
        yield route.path, f"{path}/some.js" if type(route).__name__ == "Mount" else path


def test_every_route_is_open_by_name_or_closed(tmp_path: Path) -> None:
    async def work() -> tuple[set[str], set[tuple[str, str, int]]]:
        async with running(tmp_path) as here:
            found, open_to_all = set[str](), set[tuple[str, str, int]]()
            for template, path in routes_of(here.app):
                found.add(template)
                for method in METHODS:
                    for application in (here.app.state.front, here.app):
                        answer = answered(await ask(application, path, method=method, body=b"{}"))
                        if answer.status == 401:
                            assert answer.headers["www-authenticate"] == "Bearer"
                        else:
                            open_to_all.add((template, method, answer.status))
            return found, open_to_all

    found, open_to_all = asyncio.run(work())
    assert {template for template, *_ in open_to_all} == OPEN_PATHS
    assert len(found) > 30
    assert {"/metrics", "/openapi.json", "/docs", "/console/figures", "/v1/models/{model}:predict"} <= found


def test_a_path_that_nothing_answers_is_404_to_callers_only(tmp_path: Path) -> None:
    async def work() -> list[int]:
        async with running(tmp_path) as here:
            paths = ("/nothing", "/v1/models/doubles/nothing", "//livez", "/livez/")
            return [(await here.ask("GET", path, key)).status for path in paths for key in ("", here.narrow)]

    assert asyncio.run(work()) == [401, 404] * 4


def test_every_path_of_a_model_is_closed_to_whoever_may_not_see_it(tmp_path: Path) -> None:
    async def work() -> dict[str, tuple[int, int]]:
        async with running(tmp_path) as here:
            return {
                template: ((await here.ask(method, path, here.narrow)).status, (await here.ask(method, path)).status)
                for template, path in routes_of(here.app)
                if "{model}" in template
                for method in (["POST"] if template.endswith(("predict", "classify", "regress", "infer")) else ["GET"])
            }

    statuses = asyncio.run(work())
    assert len(statuses) >= 25
    assert set(statuses.values()) == {(403, 401)}


def test_lists_show_what_the_caller_may_see(tmp_path: Path) -> None:
    async def work() -> list[tuple[bool, bool]]:
        async with running(tmp_path) as here:
            lists = [("GET", "/v1/models"), ("GET", "/v2/models"), ("POST", "/v2/repository/index")]
            lists += [("GET", "/console/figures"), ("GET", "/openapi.json")]
            seen = []
            for method, path in lists:
                everything, cut = await here.ask(method, path, here.key), await here.ask(method, path, here.narrow)
                assert (everything.status, cut.status) == (200, 200)
                seen.append((b'"others"' in everything.body, b'"others"' in cut.body))
                assert b'"doubles"' in cut.body
            return seen

    assert asyncio.run(work()) == [(True, False)] * 5


def test_the_api_is_described_to_everybody_and_without_a_model(tmp_path: Path) -> None:
    async def work() -> list[Answer]:
        async with running(tmp_path) as here:
            return [await here.ask("GET", path, key) for path in ("/docs", "/openapi.json") for key in ("", "made up")]

    answers = asyncio.run(work())
    assert {answer.status for answer in answers} == {200}
    assert "/v1/models/{model}:predict" in answers[-1].json["paths"]
    assert not any(name in answer.body for answer in answers for name in (b"doubles", b"others"))


def test_metrics_are_for_whoever_may_or_for_all_where_that_is_set(tmp_path: Path) -> None:
    async def work(folder: Path, *, is_open: bool) -> list[int]:
        async with running(folder, open_metrics=is_open) as here:
            return [(await here.ask("GET", "/metrics", key)).status for key in ("", here.narrow, here.key)]

    assert asyncio.run(work(tmp_path / "closed", is_open=False)) == [401, 403, 200]
    assert asyncio.run(work(tmp_path / "open", is_open=True)) == [200, 200, 200]


def test_refusals_are_counted_and_made_up_names_are_no_labels(tmp_path: Path) -> None:
    async def work() -> str:
        async with running(tmp_path) as here:
            await here.ask("GET", "/v1/models/made-up")
            await here.ask("GET", "/v2/models/others", here.narrow)
            await here.call("/tensorflow.serving.ModelService/GetModelStatus", health_pb2.HealthCheckRequest())
            return (await here.ask("GET", "/metrics", here.key)).body.decode()

    page = asyncio.run(work())
    assert "made-up" not in page
    assert 'penstock_rejected_total{model_name="_unknown",reason="Unauthenticated"} 2.0' in page
    assert 'penstock_rejected_total{model_name="others",reason="Forbidden"} 1.0' in page
    assert 'code="UNAUTHENTICATED"' in page


def methods_of(services: list[str]) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    pool = descriptor_pool.Default()
    for service in services:
        for method in pool.FindServiceByName(service).methods:
            yield service, f"/{service}/{method.name}", GetMessageClass(method.input_type)


def about(message: Any, model: str) -> Any:
    """The request, naming the model wherever its kind of request does."""
    for name in ("model_name", "name"):
        if name in message.DESCRIPTOR.fields_by_name:
            setattr(message, name, model)
    if "model_spec" in message.DESCRIPTOR.fields_by_name:
        message.model_spec.name = model
    if "tasks" in message.DESCRIPTOR.fields_by_name:
        message.tasks.add().model_spec.name = model
    if "config" in message.DESCRIPTOR.fields_by_name:
        message.config.model_config_list.config.add().name = model
    return message


async def services_of(here: Running) -> list[str]:
    """As reflection lists them."""
    stub = reflection_pb2_grpc.ServerReflectionStub(here.channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="*")
    async for answer in stub.ServerReflectionInfo(iter([request]), metadata=[("x-api-key", here.key)]):
        return [service.name for service in answer.list_services_response.service]
    pytest.fail("reflection did not answer")


def test_every_method_is_of_the_health_service_or_closed(tmp_path: Path) -> None:
    async def work() -> dict[str, grpc.StatusCode]:
        async with running(tmp_path) as here:
            services = await services_of(here)
            return {
                method: await here.call(method, message())
                for service, method, message in methods_of(services)
                if service != OPEN_SERVICE or method.endswith("Check")
            }

    codes = asyncio.run(work())
    assert len(codes) >= 18
    assert codes.pop(f"/{OPEN_SERVICE}/Check") == grpc.StatusCode.OK
    assert set(codes.values()) == {grpc.StatusCode.UNAUTHENTICATED}
    assert f"/{REFLECTION}/ServerReflectionInfo" in codes


def test_every_method_about_a_model_is_closed_to_whoever_may_not_see_it(tmp_path: Path) -> None:
    async def work() -> dict[str, grpc.StatusCode]:
        async with running(tmp_path) as here:
            codes = {}
            for service, method, message in methods_of(await services_of(here)):
                plain = message()
                if service not in (OPEN_SERVICE, REFLECTION) and about(message(), "x") != plain:
                    codes[method.rsplit("/", 1)[1]] = await here.call(method, about(message(), "others"), here.narrow)
            return codes

    codes = asyncio.run(work())
    ours = {"Predict", "Classify", "Regress", "MultiInference", "GetModelMetadata", "GetModelStatus"}
    assert ours | {"HandleReloadConfigRequest", "ModelInfer", "ModelReady", "ModelMetadata", "ModelConfig"} <= set(
        codes
    )
    assert codes.pop("ModelStreamInfer") == grpc.StatusCode.OK  # its answer says what is wrong with one request
    assert codes.pop("RepositoryIndex", grpc.StatusCode.OK) == grpc.StatusCode.OK
    assert set(codes.values()) == {grpc.StatusCode.PERMISSION_DENIED}


def test_a_path_under_two_routes_needs_what_the_stricter_needs() -> None:
    app = FastAPI()
    app.mount("/console", FastAPI())
    app.get("/console/figures")(lambda: None)
    needs = Needs(app.router.routes, open_metrics=False)
    assert needs.of("GET", "/console/figures") != needs.of("GET", "/console/main.js")
