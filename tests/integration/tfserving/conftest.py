"""Model servers of every kind that can be had here, and the backend that asks them."""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from serving.backend_protocol import VersionState
from serving.backends.tfserving.backend import Servers, TfServingBackend
from serving.backends.tfserving.certificates import Certificates
from serving.backends.tfserving.channels import Transport
from tests.conftest import absent
from tests.preloaded import TRAINING, Preloaded
from tests.processes import ROOT, StartGateway

REFERENCE_SERVER = ROOT / "tests" / "reference_server" / "reference_server.py"
ZOO = ROOT / "tests" / "integration" / "embedded"
START_SECONDS = 120.0
MESSAGE_BYTES = 64 * 1024 * 1024
KINDS = ("gateway", "content", "lists", "short", "tfserving", "tfserving-batching")


@dataclass(frozen=True)
class ReferenceServer:
    models: Path
    ports: dict[str, int]


@pytest.fixture(scope="session")
def reference_server(trained_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReferenceServer]:
    """Started once: importing TensorFlow takes seconds. Its folder has the trained models, the zoo and a broken one."""
    models = tmp_path_factory.mktemp("served") / "models"
    shutil.copytree(trained_models, models)
    broken = models / "broken" / "1"
    broken.mkdir(parents=True)
    (broken / "saved_model.pb").write_bytes(b"not a SavedModel")
    environment = {**os.environ, "PYTHONPATH": str(ZOO)}
    words = [str(REFERENCE_SERVER), str(models), "--zoo"]
    with Preloaded(TRAINING, words, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout
        try:
            yield ReferenceServer(models, json.loads(process.stdout.readline()))
        finally:
            process.kill()


@pytest.fixture(scope="session")
def second_gateway(reference_server: ReferenceServer, start_gateway_session: StartGateway) -> str:
    """The address of a gateway that runs the same models itself."""
    return start_gateway_session("--models", str(reference_server.models)).grpc_address


@pytest.fixture(scope="session")
def real_servers(
    reference_server: ReferenceServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[bool], str]]:
    """The address of a tensorflow_model_server; without its program the test is skipped."""
    with contextlib.ExitStack() as stack:
        running: dict[bool, str] = {}

        def start(batching: bool) -> str:  # noqa: FBT001 - the flag it becomes
            if batching not in running:
                folder = tmp_path_factory.mktemp("tensorflow_model_server")
                running[batching] = _start_real(stack, reference_server.models, folder, batching=batching)
            return running[batching]

        yield start


def _start_real(stack: contextlib.ExitStack, models: Path, folder: Path, *, batching: bool) -> str:
    program = os.environ.get("PENSTOCK_TEST_TFSERVING") or shutil.which("tensorflow_model_server")
    if program is None:
        pytest.skip("needs tensorflow_model_server on the PATH or named by PENSTOCK_TEST_TFSERVING")
    names = sorted(path.name for path in models.iterdir() if path.name not in ("broken", "fixed"))
    each = "".join(f'config{{name:"{n}" base_path:"{models / n}" model_platform:"tensorflow"}}' for n in names)
    config = folder / "models.config"
    config.write_text(f"model_config_list{{{each}}}")
    port = free_port()
    command = [program, f"--port={port}", "--rest_api_port=0", f"--model_config_file={config}"]
    process = subprocess.Popen([*command, f"--enable_batching={str(batching).lower()}"])
    stack.callback(process.wait)
    stack.callback(process.kill)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
            return f"127.0.0.1:{port}"
    return absent("tensorflow_model_server does not listen")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, reference_server: ReferenceServer) -> str:
    """The address of one model server of each kind."""
    kind = str(request.param)
    if kind == "gateway":
        return str(request.getfixturevalue("second_gateway"))
    if kind.startswith("tfserving"):
        return str(request.getfixturevalue("real_servers")(kind.endswith("batching")))
    return f"127.0.0.1:{reference_server.ports[kind]}"


class Watched(TfServingBackend):
    """The backend, and a way to wait for what it knows."""

    changes: asyncio.Condition

    async def until(self, wanted: Callable[[TfServingBackend], bool]) -> None:
        async with asyncio.timeout(START_SECONDS), self.changes:
            await self.changes.wait_for(lambda: wanted(self))

    async def until_live(self, model: str, version: int = 1) -> None:
        await self.until(lambda backend: is_live(backend, model, version))


def is_live(backend: TfServingBackend, model: str, version: int = 1) -> bool:
    status = backend.status().get(model, {}).get(version)
    return status is not None and status.state is VersionState.AVAILABLE


Ask: TypeAlias = Callable[..., "contextlib.AbstractAsyncContextManager[Watched]"]


@asynccontextmanager
async def backend_at(
    models: Path,
    *addresses: str,
    transport: Transport | None = None,
    names: tuple[str, ...] = (),
    retry_fraction: float = 0.1,
    certificates: Certificates | None = None,
) -> AsyncIterator[Watched]:
    """A running backend that asks these model servers."""
    servers = Servers(addresses, transport or Transport(MESSAGE_BYTES), names, retry_fraction, certificates)
    backend = Watched(models, servers, poll_seconds=0.1)
    backend.changes = asyncio.Condition()

    async def changed() -> None:
        async with backend.changes:
            backend.changes.notify_all()

    await backend.start(changed)
    try:
        yield backend
    finally:
        await backend.close()


@pytest.fixture
def ask() -> Ask:
    return backend_at
