"""The open loop against a real gateway, from the command line to the files it leaves."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from loadtests.run_result import RunResult
from tests.processes import ROOT, GatewayProcess

VERB = "import sys; from loadtests.{0}_verb import run; sys.exit(run(sys.argv[1:]))"


def verb(name: str, arguments: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", VERB.format(name), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)


def open_loop(gateway: GatewayProcess, out: Path, *options: str) -> RunResult:
    """Its exit code may be 1: whether the generator kept up is a matter of the machine."""
    arguments = ["--url", gateway.url, "--grpc", gateway.grpc_address, "--out", str(out), *options]
    done = verb("open_loop", arguments)
    found = RunResult.read(out / "run.json")
    assert done.returncode == (1 if found.invalid_because else 0), done.stdout + done.stderr
    assert str(out / "report.html") in done.stdout
    assert (out / "report.html").stat().st_size > 0
    return found


def test_rest_poisson_in_two_processes(gateway: GatewayProcess, tmp_path: Path) -> None:
    options = ["--rate", "60", "--seconds", "1.5", "--processes", "2", "--form", "mix", "--deadline-ms", "9000"]
    found = open_loop(gateway, tmp_path, *options)
    assert (found.generator, found.scenario, found.protocol, found.model) == ("open_loop", "poisson", "rest", "digits")
    assert found.good == found.sent
    assert sum(interval.sent for interval in found.intervals) == found.sent == found.latencies.count
    assert set(found.statuses) <= {"200", "400"}  # a bad one is refused, and that is good
    assert found.server[0].cpu_seconds is not None
    assert found.server[0].threads is not None
    assert found.command[:3] == ("penstock", "loadtest", "open-loop")
    assert "processor" in found.environment


def test_grpc_at_the_moments_of_a_trace(gateway: GatewayProcess, tmp_path: Path) -> None:
    (tmp_path / "trace.ndjson").write_text("".join(f'{{"at_seconds": {9 + place / 20}}}\n' for place in range(11)))
    options = ["--protocol", "grpc", "--arrivals", "trace", "--trace", str(tmp_path / "trace.ndjson")]
    found = open_loop(gateway, tmp_path, *options, "--model", "diabetes")
    assert (found.sent, found.good, found.statuses, found.model) == (11, 11, {"OK": 11}, "diabetes")
    assert found.seconds >= 0.5
    again = open_loop(gateway, tmp_path / "again", "--arrivals", "trace", "--trace", str(tmp_path / "run.json"))
    assert again.sent == 11


def test_a_gateway_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = verb("open_loop", ["--url", "http://127.0.0.1:1", "--out", str(tmp_path)])
    assert done.returncode == 1
    assert "is the gateway running?" in done.stderr


def test_arrivals_of_a_trace_need_the_trace() -> None:
    done = verb("open_loop", ["--arrivals", "trace"])
    assert done.returncode == 2
    assert "--trace FILE" in done.stderr
