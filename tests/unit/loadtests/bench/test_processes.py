import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from loadtests.bench.errors import BenchError
from loadtests.bench.processes import cpu_seconds, family_of, resident_megabytes, running_server

CORE = 0
LEAVES_A_WORKER = """
import subprocess, sys
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print("worker", worker.pid, flush=True)
worker.wait()
"""


def python(script: str) -> Callable[[int, int], list[str]]:
    return lambda _port, _grpc_port: [sys.executable, "-c", script]


def allowed_cores(pid: int) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("Cpus_allowed_list"))


def test_workers_that_leave_the_session_belong_to_the_server_and_end_with_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running_server(python(LEAVES_A_WORKER), CORE, log) as server:
        server.wait_until(lambda: "worker" in log.read_text())
        worker = int(log.read_text().split()[1])
        assert {server.pid, worker} <= family_of(server.pid).keys()
        assert allowed_cores(worker) == str(CORE)
        assert cpu_seconds(server.pid) >= 0
        assert resident_megabytes(worker) > 1
    status = Path(f"/proc/{worker}/status")
    assert not status.exists() or "zombie" in status.read_text()
    assert not Path(f"/proc/{server.pid}").exists()


def test_a_server_that_ends_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    script = "print('no such model'); raise SystemExit(3)"
    with (
        running_server(python(script), CORE, tmp_path / "log") as server,
        pytest.raises(BenchError, match=r"exit code 3:\nno such model"),
    ):
        server.wait_until(lambda: False)


def test_waiting_ends(tmp_path: Path) -> None:
    with (
        running_server(python("import time; time.sleep(600)"), CORE, tmp_path / "log") as server,
        pytest.raises(BenchError, match="not ready"),
    ):
        server.wait_until(lambda: False, seconds=0.05)
