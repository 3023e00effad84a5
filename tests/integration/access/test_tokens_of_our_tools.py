"""The clients and the load tests at a gateway that asks for tokens, each with one of an issuer."""

import subprocess
import sys
from pathlib import Path

import pytest
from penstock_client import Client, Unauthenticated

from loadtests.run_result import RunResult
from tests.integration.access.guarded import SCOPE, Guarded

TO_MEASURE = f"{SCOPE} penstock:metrics"


def where(guarded: Guarded, wire: str) -> str:
    return {"rest": guarded.gateway.url, "grpc": f"grpc://{guarded.gateway.grpc_address}"}[wire]


def ran(module: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("wire", ["rest", "grpc"])
def test_the_client_asks_for_the_current_token_at_each_call(guarded: Guarded, wire: str) -> None:
    good, used = guarded.token(), [guarded.token()]
    with Client(where(guarded, wire), token=lambda: used[-1]) as client:
        assert client.predict("doubles", 2.0)
        used.append("stale")
        with pytest.raises(Unauthenticated):
            client.predict("doubles", 2.0)
        used.append(good)
        assert client.predict("doubles", 2.0)


@pytest.mark.parametrize(("lasts_seconds", "code"), [(300.0, 0), (-300.0, 1)])
def test_the_clients_command_line_takes_a_token(guarded: Guarded, lasts_seconds: float, code: int) -> None:
    bearer = guarded.token(lasts_seconds=lasts_seconds)
    done = ran("penstock_client", "doubles", "2", "--url", guarded.gateway.url, "--token", bearer)
    assert done.returncode == code, done.stderr
    assert bearer not in done.stdout + done.stderr


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_the_load_tests_take_a_token_and_hide_it(guarded: Guarded, tmp_path: Path, protocol: str) -> None:
    bearer = guarded.token(scope=TO_MEASURE)
    place = ("--url", guarded.gateway.url, "--grpc", guarded.gateway.grpc_address, "--out", str(tmp_path))
    brief = ("--rate", "30", "--seconds", "0.5", "--protocol", protocol, "--model", "doubles")
    done = ran("penstock_cli", "loadtest", "open-loop", *place, *brief, "--token", bearer)
    found = RunResult.read(tmp_path / "run.json")
    assert found.good == found.sent > 0, found.statuses
    assert found.command[-2:] == ("--token", "...")
    assert [file.name for file in tmp_path.iterdir() if bearer.encode() in file.read_bytes()] == []
    assert bearer not in done.stdout + done.stderr
