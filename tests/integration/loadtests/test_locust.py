"""Locust's users against a real gateway: over REST and gRPC, in several processes, judged by an objective."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.latencies import Latencies
from loadtests.run_result import RunResult
from tests.processes import ROOT, GatewayProcess
from tests.swaps import until

SECONDS = "3"
LENIENT = "errors_percent = 0\ngoodput_per_second = 1\n"
"""What no busy machine misses: timings never decide a test."""


def loadtest(
    gateway: GatewayProcess, folder: Path, *options: str, objective: str = LENIENT
) -> subprocess.CompletedProcess[str]:
    (folder / "slo.toml").write_text(objective)
    where = ["--url", gateway.url, "--grpc", gateway.grpc_address, "--slo", str(folder / "slo.toml")]
    command = [sys.executable, "-m", "loadtests.loadtest_verb", *where, "--out", str(folder)]
    common = ["--seconds", SECONDS, "--users", "4", "--think-seconds", "0.02", *options]
    return subprocess.run([*command, *common], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def counted(folder: Path) -> RunResult:
    """What a run left, which must add up."""
    result = RunResult.read(folder / "run.json")
    assert result.sent == sum(result.statuses.values()) == sum(each.sent for each in result.intervals) > 0
    assert result.latencies.count == result.sent - result.statuses.get("0", 0)
    assert result.good == sum(each.good for each in result.intervals)
    assert result.lateness
    assert Latencies.decoded(result.lateness).count > 0
    return result


@pytest.mark.parametrize(
    ("protocol", "model", "statuses"),
    [
        ("rest", "digits", {"200", "400"}),
        ("grpc", "digits", {"OK", "INVALID_ARGUMENT"}),
        ("mixed", "diabetes", {"200", "400", "OK", "INVALID_ARGUMENT"}),
    ],
)
def test_users_ask_and_bad_requests_that_are_refused_count_as_good(
    gateway: GatewayProcess, tmp_path: Path, protocol: str, model: str, statuses: set[str]
) -> None:
    done = loadtest(gateway, tmp_path, "--protocol", protocol, "--model", model)
    assert done.returncode == 0, done.stdout + done.stderr
    result = counted(tmp_path)
    assert (result.protocol, result.model, result.scenario) == (protocol, model, "steady")
    assert result.failed == 0
    assert set(result.statuses) <= statuses
    assert result.latencies.percentile_seconds(50) < result.latencies.max_seconds
    assert "held    errors: 0 %" in done.stdout
    assert "0 failed" in done.stdout
    for name in ("run.json", "report.html", "locust.html"):
        assert (tmp_path / name).stat().st_size > 0
    assert result.environment["locust"]


def test_two_processes_count_every_request_once(gateway: GatewayProcess, tmp_path: Path) -> None:
    done = loadtest(gateway, tmp_path, "--processes", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    result = counted(tmp_path)
    log = (tmp_path / "locust.log").read_text()
    assert "2 workers connected" in log
    (aggregated,) = {line.split()[1] for line in log.splitlines() if "Aggregated" in line and "%" in line}
    assert int(aggregated) == result.sent  # Locust's own count of its workers' reports


def test_an_objective_that_is_missed_is_exit_code_1_with_the_reasons(gateway: GatewayProcess, tmp_path: Path) -> None:
    done = loadtest(gateway, tmp_path, objective="p99_milliseconds = 0.001\nerrors_percent = 0\n")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "MISSED  p99: " in done.stdout
    assert "wanted at most 0.001 ms" in done.stdout
    assert "held    errors: 0 %" in done.stdout


def test_a_model_that_is_not_served_is_told_before_anything_starts(gateway: GatewayProcess, tmp_path: Path) -> None:
    done = loadtest(gateway, tmp_path, "--model", "dogs")
    assert done.returncode == 1
    assert "answered 404" in done.stderr
    assert not (tmp_path / "locust.log").exists()


def test_plain_locust_runs_the_file_with_its_own_options(gateway: GatewayProcess, tmp_path: Path) -> None:
    """As docs/loadtests.md has it; the exit code is the objective's."""
    objective, page = tmp_path / "slo.toml", tmp_path / "page.html"
    objective.write_text("goodput_per_second = 1000000\n")
    command = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--headless", "-u", "2", "-t", "5s"]
    asked = ["--host", gateway.url, "--grpc", gateway.grpc_address, "--slo", str(objective), "--html", str(page)]
    done = subprocess.run(
        [*command, *asked, "--result", str(tmp_path / "run.json"), "RestUser", "GrpcUser"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "MISSED  goodput: " in done.stdout
    assert page.stat().st_size > 0
    result = counted(tmp_path)
    assert (result.scenario, result.protocol, result.failed) == ("locust", "mixed", 0)


def test_a_server_that_is_gone_is_no_answer_and_no_latency(gateway: GatewayProcess, tmp_path: Path) -> None:
    """The gateway is asked for its model, and the users where nobody listens."""
    done = loadtest(gateway, tmp_path, "--protocol", "grpc", "--grpc", "127.0.0.1:9")
    assert done.returncode == 1, done.stdout + done.stderr
    result = RunResult.read(tmp_path / "run.json")
    assert set(result.statuses) == {"UNAVAILABLE"}
    assert (result.good, result.latencies.count) == (0, 0)
    assert "UNAVAILABLE where" in done.stdout


def test_a_soak_watches_a_gateway_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "loadtests.loadtest_verb", "soak", "--own-gateway", "--seconds", "6"]
    done = subprocess.run(
        [*command, "--users", "2", "--out", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    result = counted(tmp_path)
    assert (result.scenario, result.model, result.failed) == ("soak", "dense", 0)
    assert len(result.server) >= 3
    for sample in result.server:
        assert sample.resident_bytes
        assert sample.threads
        assert sample.open_files
    for what in ("memory", "open files", "threads"):
        assert f"-       {what}: " in done.stdout  # too short to be judged, which is said
    assert (tmp_path / "soak.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("processes", ["1", "2"])
def test_an_interrupt_ends_a_run_early_and_judges_what_was_sent(
    gateway: GatewayProcess, tmp_path: Path, processes: str
) -> None:
    command = [sys.executable, "-m", "loadtests.loadtest_verb", "--url", gateway.url, "--users", "4"]
    process = subprocess.Popen(
        [*command, "--seconds", "600", "--processes", processes, "--out", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - CI may ignore it
    )
    log = tmp_path / "locust.log"
    until(lambda: log.exists() and "All users spawned" in log.read_text())
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=120)
    assert process.returncode in (0, 1), told
    assert "goodput" in told
    result = RunResult.read(tmp_path / "run.json")
    assert result.seconds < 600
    assert result.failed == 0
