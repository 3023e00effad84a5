"""Locust as a process of its own, since importing it replaces the standard library's sockets and threads by gevent's.

What it tells while it runs comes through a pipe, its own words go to a log beside the result.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtests.bench.processes import free_port
from loadtests.run_result import RunResult
from serving.access.key_argument import key_variables

LOCUSTFILE = Path(__file__).parent / "locustfile.py"
RESULT, LOG, PAGE = "run.json", "locust.log", "locust.html"
FINISH_SECONDS = 2
"""Locust's patience with requests under way when the run ends; later ones are cut off and not counted."""
STOP_SECONDS = 60.0
LOG_LINES = 12


class LocustFailed(Exception):
    """Locust ended without a result; the message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Load:
    """Whom to ask, with which key, and how much; no gRPC address is port 8500 of the URL's host, and no `processes` is
    one.
    """

    scenario: str
    users_kinds: Sequence[str]
    url: str
    grpc: str
    model: str
    users: int
    spawn_rate: float
    seconds: float
    think_seconds: float
    seed: int
    processes: int = 0
    api_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Told:
    """How the run goes, told every second; percentiles are of the last few, NaN where nothing was answered."""

    elapsed_seconds: float
    users: int
    per_second: float
    p50_seconds: float
    p95_seconds: float
    p99_seconds: float
    sent: int
    failed: int


class LocustProcess:
    def __init__(self, process: subprocess.Popen[bytes], told: int, folder: Path) -> None:
        self._process, self._told, self._folder = process, told, folder

    def told(self) -> Iterator[Told]:
        """Until the run is over. An interrupt ends it early, with the result of what was sent so far; a second one
        is passed on.
        """
        is_ending = False
        with open(self._told, closefd=False) as lines:
            while True:
                try:
                    line = lines.readline()
                except KeyboardInterrupt:
                    if is_ending:
                        raise
                    is_ending = True
                    self._process.terminate()
                    continue
                if not line:
                    return
                yield Told(**json.loads(line))

    def result(self) -> RunResult:
        """Waits for the end. Raises LocustFailed."""
        try:
            code = self._process.wait(STOP_SECONDS)
            return RunResult.read(self._folder / RESULT)
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            log = (self._folder / LOG).read_text(errors="replace").splitlines()[-LOG_LINES:]
            ended = "did not end" if isinstance(error, subprocess.TimeoutExpired) else f"ended with exit code {code}"
            raise LocustFailed("\n".join([f"Locust {ended} and left no result; its log ends:", *log])) from error


@contextmanager
def running_locust(load: Load, folder: Path) -> Iterator[LocustProcess]:
    """Locust making `load`, its files below `folder`; ended with its workers when the block is left."""
    reads, writes = os.pipe()
    with (folder / LOG).open("wb") as log:
        process = subprocess.Popen(
            [*locust_command(load, folder), "--tell-fd", str(writes)],
            env=locust_environment(load),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[writes],
            start_new_session=True,  # an interrupt is for this process alone, which then asks Locust to end
        )
    os.close(writes)
    try:
        yield LocustProcess(process, reads, folder)
    finally:
        os.close(reads)
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """With its workers, who are left when their master is lost."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def locust_command(load: Load, folder: Path) -> list[str]:
    """What a person would type, but for the pipe."""
    options: dict[str, Any] = {
        "-f": LOCUSTFILE,
        "--host": load.url,
        "--scenario": load.scenario,
        "--scenario-users": load.users,
        "--scenario-spawn-rate": load.spawn_rate,
        "--scenario-seconds": load.seconds,
        "--think-seconds": load.think_seconds,
        "--model": load.model,
        "--grpc": load.grpc,
        "--seed": load.seed,
        "--stop-timeout": FINISH_SECONDS,
        "--exit-code-on-error": 0,
        "--html": folder / PAGE,
        "--result": folder / RESULT,
    }
    if load.processes > 1:
        port = free_port()
        options |= {"--processes": load.processes, "--master-bind-host": "127.0.0.1"}
        options |= {"--master-bind-port": port, "--master-port": port}
    said = [part for name, value in options.items() if value != "" for part in (name, str(value))]
    return [sys.executable, "-m", "locust", "--headless", "--only-summary", *said, *load.users_kinds]


def locust_environment(load: Load) -> dict[str, str]:
    """With the key, which among the arguments everybody on this machine could read."""
    return {**os.environ, **key_variables(load.api_key)}
