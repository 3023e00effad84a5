"""The gateway's image without a Docker engine: its own install commands in a bare Python, then its own entry point."""

import contextlib
import json
import queue
import re
import signal
import site
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
import yaml

from serving.backends.tensorflow_messages import message_module
from serving.model_server.configs import monitoring_config
from tests.conftest import absent
from tests.deployment.dockerfile import ROOT, Dockerfile, in_image, outside, read_dockerfile, run_stages
from tests.doubles import doubles_manifest, publish_in_miniature
from tests.processes import GatewayProcess

SECONDS = 60.0
"""A bound on waiting for events, far beyond what they take."""
WATCHER = """\
import os, sys
file = os.open(os.environ["WATCHED"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def hook(event, arguments):
    writes = event == "open" and arguments[2] and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if (writes or event in ("os.mkdir", "os.rename")) and not isinstance(arguments[0], int):
        os.write(file, f"{os.fsdecode(arguments[0])}\\n".encode())
    if event == "import" and arguments[0] in ("tensorflow.python", "keras"):
        os.write(file, f"import {arguments[0]}\\n".encode())
sys.addaudithook(hook)
open(os.devnull, "w").close()
"""
"""A sitecustomize that writes down every file that Python opens for writing, and every sign of TensorFlow's runtime."""


@dataclass(frozen=True, slots=True)
class Image:
    """What would be in the image, below `root`, and what its environment would say."""

    file: Dockerfile
    root: Path

    @property
    def packages(self) -> Path:
        return next((self.root / "opt" / "penstock").glob("lib/python*/site-packages"))

    def environment(self, target: str, **own: str) -> dict[str, str]:
        set_there = {name: in_image(value, self.root) for name, value in self.file.environment(target).items()}
        return {**outside(), **set_there, "PATH": f"{self.root}/opt/penstock/bin:/usr/bin:/bin", **own}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The stage gateway-environment as it is; the message modules from the TensorFlow that is installed here, since
    its wheel is 280 MB; then what the model server's files come from.
    """
    file, root = read_dockerfile(), tmp_path_factory.mktemp("image")
    run_stages(file, "gateway-environment", root)
    environment = {**outside(), "PATH": f"{root}/python/bin:/usr/bin:/bin", "PYTHONPATH": f"{root}/opt/tensorflow"}
    for stage in ("tensorflow-messages", "model-server-files"):
        command = in_image(file.stages[stage].all("RUN")[0].text, root)
        here = command.replace(f"{root}/wheels/*.whl", site.getsitepackages()[0])
        subprocess.run(["sh", "-ec", here], check=True, cwd=root / "build", env=environment)
    return Image(file, root)


def test_the_gateways_packages_hold_the_console(image: Image) -> None:
    built = ROOT / "serving" / "console" / "dist"
    if not built.exists():
        absent("needs the console built (make console)")
    installed = image.packages / "serving" / "console"
    files = {file.relative_to(built) for file in built.rglob("*") if file.is_file()}
    assert {file.relative_to(installed / "dist") for file in installed.rglob("*") if file.is_file()} == files


@dataclass(frozen=True, slots=True)
class Container:
    """The gateway's entry point as a process, ready."""

    process: subprocess.Popen[str]
    environment: dict[str, str]
    watched: Path

    def get(self, path: str) -> str:
        url = f"http://127.0.0.1:{self.environment['PENSTOCK_PORT']}{path}"
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            return str(answer.read().decode())


@pytest.fixture(scope="module")
def container(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """It has the in-memory backend, which needs no model server."""
    folder = tmp_path_factory.mktemp("container")
    (folder / "python").mkdir()
    (folder / "python" / "sitecustomize.py").write_text(WATCHER)
    publish_in_miniature(folder / "models", doubles_manifest())
    rest, grpc_port = free_ports()
    environment = image.environment(
        "gateway",
        PENSTOCK_HOST="127.0.0.1",
        PENSTOCK_PORT=str(rest),
        PENSTOCK_GRPC_PORT=str(grpc_port),
        PENSTOCK_MODELS=str(folder / "models"),
        PENSTOCK_BACKEND="in_memory",
        WATCHED=str(folder / "written"),
    )
    environment["PYTHONPATH"] = f"{folder}/python:{environment['PYTHONPATH']}"
    with started(image.file.last("gateway", "ENTRYPOINT").command, environment) as process:
        yield Container(process, environment, folder / "written")


def free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


@contextlib.contextmanager
def started(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """The command once it says how to stop it; killed at the end if it still runs."""
    process = subprocess.Popen(
        ["env", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd="/"
    )
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line)
        lines.put("")

    reader = threading.Thread(target=read)
    reader.start()
    try:
        printed = [lines.get(timeout=SECONDS)]
        while not printed[-1].startswith("Stop"):
            assert printed[-1], "".join(printed)
            printed.append(lines.get(timeout=SECONDS))
        yield process
    finally:
        process.kill()
        process.wait()
        reader.join()
        if process.stdout:
            process.stdout.close()


def health_check(container: Container) -> int:
    check = container_file().last("gateway", "HEALTHCHECK").command
    done = subprocess.run(["env", *check], env=container.environment, capture_output=True, check=False)
    return done.returncode


def container_file() -> Dockerfile:
    return read_dockerfile()


def test_only_message_modules_are_of_tensorflow(image: Image) -> None:
    assert not [path for path in image.packages.iterdir() if path.name.startswith(("tensorflow", "keras"))]
    collected = [path for path in (image.root / "opt" / "tensorflow").rglob("*") if path.is_file()]
    assert {path.suffix for path in collected} == {".py", ".pyc"}
    modules = [path for path in collected if path.suffix == ".py"]
    assert all(path.name.endswith("_pb2.py") for path in modules)
    assert f"needs {len(modules)} message modules" in (ROOT / "Dockerfile.gpu").read_text()


def test_it_is_as_large_as_the_file_says(image: Image) -> None:
    said = re.search(r"site-packages is (\d+) MB", (ROOT / "Dockerfile.gpu").read_text())
    assert said
    folders = (image.packages, image.root / "opt" / "tensorflow")
    found = sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file()) / 1e6
    assert int(said[1]) * 0.9 < found < int(said[1]) * 1.1


def test_it_is_alive_and_ready_and_tells_prometheus(container: Container) -> None:
    assert container.get("/livez")
    assert container.get("/readyz")
    scraped = yaml.safe_load((ROOT / "serving" / "observability" / "prometheus.yaml").read_text())["scrape_configs"]
    path = next(job["metrics_path"] for job in scraped if job["job_name"] == "penstock")
    assert "penstock_build_info" in container.get(path)


def test_it_answers_by_tensorflow_servings_protocol(container: Container) -> None:
    messages = message_module("tensorflow_serving.apis.predict_pb2")
    request = messages.PredictRequest()
    request.model_spec.name = "doubles"
    request.inputs["x"].dtype = 1
    request.inputs["x"].tensor_shape.dim.add().size = 1
    request.inputs["x"].float_val.append(1.0)
    with grpc.insecure_channel(f"127.0.0.1:{container.environment['PENSTOCK_GRPC_PORT']}") as channel:
        call = channel.unary_unary(
            "/tensorflow.serving.PredictionService/Predict",
            request_serializer=messages.PredictRequest.SerializeToString,
            response_deserializer=messages.PredictResponse.FromString,
        )
        assert call(request, timeout=SECONDS).model_spec.name == "doubles"


def test_the_model_server_is_told_where_its_metrics_go(image: Image) -> None:
    assert (image.root / "config" / "monitoring.config").read_text() == monitoring_config()


def test_it_asks_a_model_server(image: Image, gateway: GatewayProcess, trained_models: Path) -> None:
    """A gateway with the embedded backend stands for TensorFlow Serving."""
    rest, grpc_port = free_ports()
    environment = image.environment(
        "gateway",
        PENSTOCK_HOST="127.0.0.1",
        PENSTOCK_PORT=str(rest),
        PENSTOCK_GRPC_PORT=str(grpc_port),
        PENSTOCK_MODELS=str(trained_models),
        PENSTOCK_TFSERVING_ADDRESSES=gateway.grpc_address,
    )
    body = json.dumps({"instances": [[[0.0] * 8] * 8]}).encode()
    path = "/v1/models/digits:predict"
    with (
        started(image.file.last("gateway", "ENTRYPOINT").command, environment),
        urllib.request.urlopen(f"http://127.0.0.1:{rest}{path}", body, timeout=SECONDS) as answer,
    ):
        found = json.loads(answer.read())
    assert found == gateway.post(path, body)[1]


def test_its_root_may_be_read_only(container: Container) -> None:
    """Whatever Python opened for writing up to here lies in memory, and TensorFlow's runtime was never looked for."""
    container.get("/metrics")
    written = container.watched.read_text().splitlines()
    assert "/dev/null" in written  # or nothing was watched
    assert [path for path in written if not path.startswith(("/dev/shm", "/dev/null"))] == []  # noqa: S108 - read here


def test_its_health_check_tells_a_living_one_from_a_dead_one(container: Container) -> None:
    assert health_check(container) == 0
    container.process.send_signal(getattr(signal, container_file().last("gateway", "STOPSIGNAL").text))
    assert container.process.wait(SECONDS) == 0
    assert health_check(container) != 0


def test_the_embedded_backend_says_what_it_lacks_here(image: Image, tmp_path: Path) -> None:
    environment = image.environment("gateway", PENSTOCK_BACKEND="embedded", PENSTOCK_MODELS=str(tmp_path))
    command = image.file.last("gateway", "ENTRYPOINT").command
    rest, grpc_port = free_ports()
    ports = {"PENSTOCK_HOST": "127.0.0.1", "PENSTOCK_PORT": str(rest), "PENSTOCK_GRPC_PORT": str(grpc_port)}
    done = subprocess.run(
        ["env", *command], env={**environment, **ports}, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    assert done.returncode == 1
    assert "libtensorflow_cc" in done.stderr
    assert sys.prefix not in done.stderr
