"""The whole log of real gateways: one shape, every request that should be there, and nothing that must not be."""

import contextlib
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import numpy as np
import pytest

from serving.grpc import inference_pb2 as messages
from tests.doubles import doubles_manifest, publish_in_miniature
from tests.processes import ROOT, STOP_SECONDS, GatewayProcess, StartGateway

PATH = "/v1/models/doubles:predict"
ONE = b'{"instances": [1.0]}'
WELCOME_END = "Stop     Ctrl-C"
REQUESTS = 60


def post(url: str, body: bytes = ONE, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, body, {"content-type": "application/json", **named})  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code


def infer(gateway: GatewayProcess, *metadata: tuple[str, str], model: str = "doubles", name: str = "x") -> None:
    request = messages.ModelInferRequest(model_name=model)
    request.inputs.add(name=name, datatype="FP32", shape=[1])
    request.raw_input_contents.append(np.array([1], np.float32).tobytes())
    with grpc.insecure_channel(gateway.grpc_address) as channel, contextlib.suppress(grpc.RpcError):
        call = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            messages.ModelInferRequest.SerializeToString,
            messages.ModelInferResponse.FromString,
        )
        call(request, timeout=30.0, metadata=metadata)


def raw(gateway: GatewayProcess, content: bytes) -> None:
    address = urlsplit(gateway.url)
    with socket.create_connection((address.hostname, address.port), 30) as connection:
        connection.sendall(content)
        connection.recv(4096)


def lines_after_welcome(gateway: GatewayProcess) -> list[str]:
    """Of a gateway that has stopped; one process prints its welcome only once models are live, so some come before."""
    assert gateway.stop() == 0
    printed = [line.rstrip("\n") for line in gateway.log]
    start = next(number for number, line in enumerate(printed) if line.startswith("Penstock serves"))
    return printed[:start] + printed[printed.index(WELCOME_END) + 1 :]


@pytest.fixture
def doubles(tmp_path: Path) -> Path:
    publish_in_miniature(tmp_path / "models", doubles_manifest())
    return tmp_path / "models"


@pytest.fixture
def logging_gateway(start_gateway: StartGateway, doubles: Path) -> GatewayProcess:
    return start_gateway(
        *("--models", str(doubles), "--backend", "in_memory"), PENSTOCK_ACCESS_LOG="1", PENSTOCK_LOG_LEVEL="debug"
    )


def test_no_secret_gets_into_the_log_wherever_it_stands(logging_gateway: GatewayProcess) -> None:
    planted: list[str] = []

    def secret() -> str:
        planted.append(f"sesame{secrets.token_hex(8)}")
        return planted[-1]

    url = logging_gateway.url
    statuses = [
        post(url + PATH, Authorization=f"Bearer {secret()}", X_API_Key=secret(), Cookie=f"session={secret()}"),
        post(f"{url}{PATH}?api_key={secret()}", X_Unheard_Of=secret()),
        post(f"{url}/v1/models/{secret()}:predict"),
        post(f"{url}/{secret()}/{secret()}?token={secret()}"),
        post(url + PATH, json.dumps({"instances": [secret()]}).encode()),
        post(url + PATH, json.dumps({"instances": [{secret(): secret()}], secret(): 1}).encode()),
        post(url + PATH, secret().encode(), content_type=f"text/{secret()}"),
        post(url + PATH, X_Request_Id=f"with a blank {secret()}", X_Priority=secret(), X_Request_Timeout_Ms=secret()),
        post(url + PATH, traceparent=secret(), tracestate=secret(), Accept=secret()),
    ]
    assert statuses == [200, 200, 404, 404, 400, 400, 415, 400, 200]
    infer(logging_gateway, ("authorization", f"Bearer {secret()}"), ("x-api-key", secret()))
    infer(logging_gateway, ("x-priority", secret()))
    infer(logging_gateway, model=secret(), name=secret())
    raw(logging_gateway, f"GARBAGE {secret()}\r\n{secret()}: {secret()}\r\n\r\n".encode())
    lines = lines_after_welcome(logging_gateway)
    requests = [line for line in map(json.loads, lines) if line["event"] == "request"]
    assert Counter(line["protocol"] for line in requests) == {"rest_v1": 8, "grpc_v2": 3}  # one path leads nowhere
    assert [value for value in planted if any(value in line for line in lines)] == []


def test_every_line_is_json_and_says_when_how_grave_and_what(logging_gateway: GatewayProcess) -> None:
    post(logging_gateway.url + PATH, X_Request_Id="mine-7")
    post(logging_gateway.url + PATH, b"{")
    publish = [json.loads(line) for line in lines_after_welcome(logging_gateway)]
    assert all({"time", "level", "event"} <= line.keys() for line in publish)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"]) for line in publish)
    by_event: dict[str, list[dict[str, Any]]] = {}
    for line in publish:
        by_event.setdefault(line["event"], []).append(line)
    assert {"started", "version_live", "draining", "drained", "request"} <= by_event.keys()
    assert (by_event["version_live"][0]["model"], by_event["version_live"][0]["version"]) == ("doubles", 1)
    good, bad = by_event["request"]
    assert (good["request_id"], good["code"], good["rows"], good["version"], good["level"]) == (
        *("mine-7", 200, 1, "1"),
        "info",
    )
    assert {"decode_ms", "queue_ms", "backend_ms", "encode_ms", "batch_rows", "duration_ms"} <= good.keys()
    assert (bad["code"], bad["level"], "rows" in bad) == (400, "warning", False)


def test_a_version_that_comes_is_an_event(start_gateway: StartGateway, doubles: Path) -> None:
    gateway = start_gateway("--models", str(doubles), "--backend", "in_memory", PENSTOCK_LOG_FORMAT="text")
    lines = lines_after_welcome(gateway)
    assert any(
        re.fullmatch(r"\S+Z INFO serving.change_log: model doubles version 1 is live model=doubles version=1", line)
        for line in lines
    )
    assert not any(line.startswith("{") for line in lines)


def test_several_workers_write_whole_lines_each_under_its_name_and_lose_none(
    start_gateway: StartGateway, doubles: Path
) -> None:
    gateway = start_gateway(
        *("--models", str(doubles), "--backend", "in_memory", "--workers", "2"),
        PENSTOCK_ACCESS_LOG="1",
        PENSTOCK_ACCESS_LOG_SHARE="1.0",
    )
    ids = [f"mine-{number}" for number in range(REQUESTS)]
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda each: post(gateway.url + PATH, X_Request_Id=each), ids)) == {200}
    assert 'penstock_observations_dropped_total{kind="access_log"} 0.0' in gateway.get("/metrics")
    lines = [json.loads(line) for line in lines_after_welcome(gateway)]
    requests = [line for line in lines if line["event"] == "request"]
    assert sorted(line["request_id"] for line in requests) == sorted(ids)
    assert {line["process"] for line in requests} == {"worker 0", "worker 1"}


def test_of_what_goes_well_nothing_is_said_where_only_failures_are_asked_for(
    start_gateway: StartGateway, doubles: Path
) -> None:
    gateway = start_gateway(
        *("--models", str(doubles), "--backend", "in_memory"),
        PENSTOCK_ACCESS_LOG="1",
        PENSTOCK_ACCESS_LOG_SHARE="0",
        PENSTOCK_LOG_FORMAT="json",
    )
    assert [post(gateway.url + PATH), post(gateway.url + PATH, b"{")] == [200, 400]
    requests = [line for line in map(json.loads, lines_after_welcome(gateway)) if line["event"] == "request"]
    assert [line["code"] for line in requests] == [400]


def test_a_log_that_nobody_reads_holds_up_no_request_and_no_stop(doubles: Path) -> None:
    """The pipe holds some 200 lines; a gateway that waited for it would answer no more than that."""
    command = [sys.executable, "-m", "penstock_cli", "serve", "--models", str(doubles), "--backend", "in_memory"]
    environment = {**os.environ, "PENSTOCK_ACCESS_LOG": "1"}
    with subprocess.Popen(
        [*command, "--port", "0", "--grpc-port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    ) as process:  # fmt: skip
        try:
            assert process.stdout
            url = re.search(r"http://\S+", process.stdout.readline())
            assert url
            assert {post(url[0] + PATH) for _ in range(600)} == {200}
            publish_in_miniature(doubles, doubles_manifest(version=2))
            assert post(url[0] + PATH) == 200
            process.terminate()
            assert process.wait(STOP_SECONDS) == 0
        finally:
            process.kill()


def test_what_is_not_installed_is_said_with_what_to_install(doubles: Path, tmp_path: Path) -> None:
    """OpenTelemetry's exporters are hidden from the process by a package of that name that says it is not there."""
    hiding = tmp_path / "hiding" / "opentelemetry" / "exporter"
    hiding.mkdir(parents=True)
    (hiding / "__init__.py").write_text("raise ModuleNotFoundError(name='opentelemetry.exporter')")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "hiding"), str(ROOT)]),
        "PENSTOCK_TRACING_ENDPOINT": "http://127.0.0.1:1",
    }
    command = [sys.executable, "-m", "penstock_cli", "serve", "--models", str(doubles), "--backend", "in_memory"]
    done = subprocess.run(
        [*command, "--port", "0"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "pip install 'penstock[tracing]'" in done.stderr
    assert "Traceback" not in done.stderr
