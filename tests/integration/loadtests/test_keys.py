"""The load tests and the planner at a gateway that asks who calls; no file that they leave has the key."""

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from loadtests.asked_model import NotServed
from loadtests.capacity_search import CapacityResult
from loadtests.measured_gateway import Gateway
from loadtests.open_loop import run_open_loop
from loadtests.run_result import RunResult
from tests.key_files import KeyFile
from tests.processes import ROOT, GatewayProcess, StartGateway

WATCHED_SECONDS = "3"
"""Long enough for a look at the server, one a second."""
BRIEF = ("--seconds", WATCHED_SECONDS, "--users", "2", "--think-seconds", "0.02")


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> KeyFile:
    return KeyFile(tmp_path_factory.mktemp("keys") / "keys.toml")


@pytest.fixture(scope="module")
def key(key_file: KeyFile) -> str:
    return key_file.new("load", "--models", "digits", "--verbs", "predict,read,metrics")


@pytest.fixture(scope="module")
def narrow_key(key_file: KeyFile) -> str:
    return key_file.new("narrow", "--verbs", "predict,read")


@pytest.fixture(scope="module")
def asking(
    start_gateway_session: StartGateway, trained_models: Path, key_file: KeyFile, key: str, narrow_key: str
) -> GatewayProcess:
    """One that makes its answers up; it knows both keys from the start."""
    assert key != narrow_key
    arguments = ("--models", str(trained_models), "--backend", "in_memory", "--api-keys", str(key_file.path))
    return start_gateway_session(*arguments)


def run(module: str, function: str, arguments: Sequence[str], **environment: str) -> "subprocess.CompletedProcess[str]":
    code = f"import sys; from {module} import {function} as run; sys.exit(run(sys.argv[1:]))"
    return finished([sys.executable, "-c", code, *arguments], **environment)


def finished(command: Sequence[str], **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def where(gateway: GatewayProcess, out: Path) -> list[str]:
    return ["--url", gateway.url, "--grpc", gateway.grpc_address, "--out", str(out)]


def assert_secret(key: str, done: "subprocess.CompletedProcess[str]", out: Path) -> None:
    texts = {path.name: path.read_bytes() for path in out.iterdir()}
    assert texts
    assert [name for name, text in texts.items() if key.encode() in text] == []
    assert key not in done.stdout + done.stderr


def test_locusts_users_ask_with_the_key_over_both_wires(asking: GatewayProcess, key: str, tmp_path: Path) -> None:
    (tmp_path / "slo.toml").write_text("errors_percent = 0\n")
    arguments = [*where(asking, tmp_path), "--protocol", "mixed", "--slo", str(tmp_path / "slo.toml"), *BRIEF]
    done = run("loadtests.loadtest_verb", "run", [*arguments, "--api-key", key])
    assert done.returncode == 0, done.stdout + done.stderr
    found = RunResult.read(tmp_path / "run.json")
    assert found.failed == 0
    assert set(found.statuses) <= {"200", "400", "OK", "INVALID_ARGUMENT"}
    assert found.command[-2:] == ("--api-key", "...")
    assert [sample for sample in found.server if sample.queue_rows is not None]
    assert {"locust.html", "locust.log", "report.html"} <= {path.name for path in tmp_path.iterdir()}
    assert_secret(key, done, tmp_path)


def test_locust_alone_takes_the_key_and_hides_it(asking: GatewayProcess, key: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--headless", "-u", "2", "-t", "1s"]
    place = ["--host", asking.url, "--result", str(tmp_path / "run.json"), "--html", str(tmp_path / "page.html")]
    done = finished([*command, *place, f"--api-key={key}", "RestUser"])
    found = RunResult.read(tmp_path / "run.json")
    assert found.failed == 0 < found.sent
    assert "--api-key=..." in found.command
    assert_secret(key, done, tmp_path)


def test_locusts_own_page_does_not_show_the_key_that_is_set() -> None:
    code = (
        "import loadtests.locustfile, locust.argument_parser as of; print(of.ui_extra_args_dict(), of.parse_options())"
    )
    shown, parsed = finished([sys.executable, "-c", code], PENSTOCK_API_KEY="psk_secret").stdout.split("Namespace")
    assert "psk_secret" in parsed
    assert "psk_secret" not in shown
    assert "api_key" not in shown


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_the_open_loop_takes_the_key_from_the_environment(
    asking: GatewayProcess, key: str, tmp_path: Path, protocol: str
) -> None:
    arguments = [*where(asking, tmp_path), "--rate", "30", "--seconds", "0.5", "--protocol", protocol]
    done = run("loadtests.loadtest_verb", "run", ["open-loop", *arguments], PENSTOCK_API_KEY=key)
    found = RunResult.read(tmp_path / "run.json")
    assert found.good == found.sent > 0, found.statuses
    assert_secret(key, done, tmp_path)


def test_a_key_without_the_verb_metrics_measures_and_is_told_less_of_the_server(
    asking: GatewayProcess, narrow_key: str, tmp_path: Path
) -> None:
    arguments = [*where(asking, tmp_path), "--rate", "30", "--seconds", WATCHED_SECONDS, "--api-key", narrow_key]
    done = run("loadtests.loadtest_verb", "run", ["open-loop", *arguments])
    found = RunResult.read(tmp_path / "run.json")
    assert found.good == found.sent > 0
    assert {sample.queue_rows for sample in found.server} == {None}
    assert {sample.threads for sample in found.server} != {None}
    assert_secret(narrow_key, done, tmp_path)


def test_the_capacity_search_and_its_command_hide_the_key(asking: GatewayProcess, key: str, tmp_path: Path) -> None:
    arguments = [*where(asking, tmp_path), "--start", "1000", "--most", "1000", "--seconds", "1", "--p99-ms", "20000"]
    done = run("loadtests.loadtest_verb", "run", ["capacity", *arguments, "--api-key", key])
    found = CapacityResult.read(tmp_path / "capacity.json")
    assert found.trials[0].goodput_per_second > 0
    assert found.command[-2:] == ("--api-key", "...")
    assert_secret(key, done, tmp_path)


def test_the_planner_asks_counts_and_loads_with_the_key(asking: GatewayProcess, key: str, narrow_key: str) -> None:
    with closing(Gateway(asking.url, "digits", key)) as gateway:
        before = gateway.counted()
        assert gateway.ask(1) >= 0
        loaded = run_open_loop(gateway.port, [gateway.request()], np.zeros(5), connections=2, patience_seconds=30.0)
        assert loaded.status.tolist() == [200] * 5
        assert gateway.counted().requests - before.requests == 6
    narrow = closing(Gateway(asking.url, "digits", narrow_key))
    with narrow as gateway, pytest.raises(NotServed, match=r"/metrics answered 403: .*not metrics"):
        gateway.counted()


def test_the_planner_hands_the_key_on(asking: GatewayProcess, narrow_key: str) -> None:
    arguments = ["--url", asking.url, "--rate", "10", "--p99-ms", "5000", "--repetitions", "1"]
    done = run("loadtests.plan_verb", "plan", [*arguments, "--model", "digits", "--api-key", narrow_key])
    assert done.returncode == 1
    assert "/metrics answered 403" in done.stderr
    assert narrow_key not in done.stdout + done.stderr


@pytest.mark.parametrize("instrument", ["steady", "open-loop", "capacity"])
def test_without_a_key_it_is_told_before_anything_starts(
    asking: GatewayProcess, tmp_path: Path, instrument: str
) -> None:
    done = run("loadtests.loadtest_verb", "run", [instrument, *where(asking, tmp_path)])
    assert done.returncode == 1
    assert "401" in done.stderr
    assert "--api-key or PENSTOCK_API_KEY names the key to ask with" in done.stderr
    assert not (tmp_path / "run.json").exists()
