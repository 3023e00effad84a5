"""`penstock record` against real gateways: what it wrote is TensorFlow's, and sent again gives the same answers."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.doubles import doubles_manifest, publish_in_miniature
from tests.processes import GatewayProcess, StartGateway, probe

BOUND_SECONDS = 60
CLIENT = Path(__file__).with_name("replay_client.py")
PATIENT = {"age": 59, "sex": 2, "bmi": 32.1, "bp": 101, "s1": 157, "s2": 93.2, "s3": 38, "s4": 4, "s5": 4.86, "s6": 87}


@contextmanager
def recording(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """`penstock record` once the gateway has agreed."""
    command = [sys.executable, "-m", "penstock_cli", "record", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert "recording" in process.stdout.readline()
            yield process
        finally:
            process.kill()


def ended(process: "subprocess.Popen[str]") -> str:
    told, _ = process.communicate(timeout=BOUND_SECONDS)
    assert process.returncode == 0, told
    return told


def ask(gateway: GatewayProcess, model: str, instance: Any) -> Any:
    return gateway.post(f"/v1/models/{model}:predict", json.dumps({"instances": [instance]}).encode())[1]["predictions"]


@pytest.fixture(scope="module")
def socket_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("control") / "s"


@pytest.fixture(scope="module")
def gateway(start_gateway_session: StartGateway, trained_models: Path, socket_path: Path) -> GatewayProcess:
    return start_gateway_session("--models", str(trained_models), PENSTOCK_CONTROL_SOCKET=str(socket_path))


def test_a_recording_is_read_by_tensorflow_and_sent_again_gives_the_same_answers(
    gateway: GatewayProcess, socket_path: Path, tmp_path: Path
) -> None:
    out = tmp_path / "requests.tfrecord"
    digits = [((np.arange(64).reshape(8, 8) * step) % 17).tolist() for step in (1, 3, 5)]
    with recording("digits", "--socket", str(socket_path), "--out", str(out), "--requests", "3") as process:
        answers = [ask(gateway, "digits", picture) for picture in digits]
        ask(gateway, "diabetes", PATIENT)
        told = ended(process)
    assert told.startswith("3 requests, ")
    replayed = probe(CLIENT, str(out), gateway.grpc_address)
    assert [each["model"] for each in replayed] == ["digits"] * 3
    for picture, answer, sent in zip(digits, answers, replayed, strict=True):
        np.testing.assert_array_equal(sent["inputs"]["image"], np.array([picture], np.float32))
        np.testing.assert_allclose(sent["outputs"]["probabilities"], answer, atol=1e-6)


def test_redacted_features_never_leave_the_gateway(gateway: GatewayProcess, socket_path: Path, tmp_path: Path) -> None:
    out = tmp_path / "requests.tfrecord"
    arguments = ("diabetes", "--socket", str(socket_path), "--out", str(out), "--redact", "age", "bmi")
    with recording(*arguments) as process:
        ask(gateway, "diabetes", PATIENT)
        process.send_signal(signal.SIGINT)
        ended(process)
    (sent,) = probe(CLIENT, str(out), gateway.grpc_address)
    assert sent["inputs"]["age"] != [59]
    assert sent["inputs"]["bmi"] == [10]  # as near to zero as its range goes, so that it can be sent again
    assert sent["inputs"]["bp"] == [101]


def test_every_worker_is_recorded(start_gateway: StartGateway, tmp_path: Path) -> None:
    models, socket, out = tmp_path / "models", tmp_path / "s", tmp_path / "requests.tfrecord"
    publish_in_miniature(models, doubles_manifest())
    workers = start_gateway(
        "--workers", "2", "--backend", "in_memory", "--models", str(models), PENSTOCK_CONTROL_SOCKET=str(socket)
    )
    assert sorted(path.name for path in tmp_path.glob("s*")) == ["s.0", "s.1"]
    with recording("doubles", "--socket", str(socket), "--out", str(out)) as process:
        for _ in range(20):
            ask(workers, "doubles", 1.0)  # each on a connection of its own, so that both workers have some
        process.send_signal(signal.SIGINT)
        told = ended(process)
    assert "of 20 seen for doubles" in told
    assert workers.stop() == 0
    assert list(tmp_path.glob("s*")) == []


def test_two_gateways_cannot_have_one_socket(gateway: GatewayProcess, trained_models: Path, socket_path: Path) -> None:
    assert gateway.get("/livez")
    command = [sys.executable, "-m", "penstock_cli", "serve", "--models", str(trained_models), "--port", "0"]
    done = subprocess.run(
        [*command, "--grpc-port", "0", "--settings", "/dev/null"],
        capture_output=True, text=True, check=False, timeout=BOUND_SECONDS,
        env={"PENSTOCK_CONTROL_SOCKET": str(socket_path), "PATH": ""},
    )  # fmt: skip
    assert (done.returncode, "another gateway answers" in done.stderr) == (1, True)
    assert socket_path.is_socket()
