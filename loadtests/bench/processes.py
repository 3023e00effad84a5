"""Servers as processes: started on one core with nothing else of theirs elsewhere, watched, and ended.

Each leads a session of its own, and what its workers use is counted with it; they end with it.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.bench.errors import BenchError

START_SECONDS, STOP_SECONDS = 120.0, 15.0
POLL_SECONDS = 0.02
ENDED_STATES = "ZX"
"""Dead, but for the entry in the table that its parent has yet to read."""
LOG_LINES = 12
"""Of a server's log, shown when it did not start."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Where the server runs and where everything else does: the same only on a machine with one core."""

    server: int
    generator: int


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A running server: the leader of a session, its ports on loopback and its log."""

    process: subprocess.Popen[bytes]
    port: int
    grpc_port: int
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def grpc_address(self) -> str:
        return f"127.0.0.1:{self.grpc_port}"

    def wait_until(self, ready: Callable[[], bool], seconds: float = START_SECONDS) -> None:
        """Raises BenchError with the end of the log when the process ends or `seconds` pass first."""
        until = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None:
                raise BenchError(f"the server ended with exit code {self.process.returncode}:\n{self.log_end()}")
            if time.monotonic() > until:
                raise BenchError(f"the server was not ready after {seconds:.0f} s:\n{self.log_end()}")
            time.sleep(POLL_SECONDS)

    def log_end(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_LINES:])


def take_cores() -> Cores:
    """The first and the last core that this process may use; from now on it stays on the latter."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    return Cores(min(allowed), max(allowed))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def gateway_command(models: Path, port: int, grpc_port: int, *options: str) -> list[str]:
    """`penstock serve` over `models`, run by this Python."""
    ports = ["--port", str(port), "--grpc-port", str(grpc_port)]
    return [sys.executable, "-m", "penstock_cli", "serve", "--models", str(models), *ports, *options]


@contextmanager
def running_server(
    command_of: Callable[[int, int], Sequence[str]],
    core: int | str,
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator[ServerProcess]:
    """The server that `command_of(port, grpc_port)` starts, on `core` alone, or on several such as `0-13`; ended with
    all it started.
    """
    port, grpc_port = free_port(), free_port()
    with log.open("ab") as written:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *command_of(port, grpc_port)],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    try:
        yield ServerProcess(process, port, grpc_port, log)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """First asks the leader; whatever of its family is left after that is killed."""
    family = family_of(process.pid)
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pid in _left_of(family):
        os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + STOP_SECONDS
    while _left_of(family) and time.monotonic() < until:
        time.sleep(POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class _Process:
    state: str
    parent: int
    session: int
    started: int
    cpu_ticks: int


def _left_of(family: Mapping[int, _Process]) -> list[int]:
    """Those that still run, and are not others that were given the numbers since."""
    now = _every_process()
    return [pid for pid, known in family.items() if pid in now and _runs_still(now[pid], known)]


def _runs_still(now: _Process, known: _Process) -> bool:
    return now.started == known.started and now.state not in ENDED_STATES


def family_of(leader: int) -> dict[int, _Process]:
    """The living processes of the leader's session, and all that descend from one: some servers' workers leave it."""
    everyone = _every_process()
    family = {pid for pid, process in everyone.items() if leader in (pid, process.session)}
    grown = True
    while grown:
        children = {pid for pid, process in everyone.items() if process.parent in family}
        grown = not children <= family
        family |= children
    return {pid: everyone[pid] for pid in family & everyone.keys()}


def cpu_seconds(leader: int) -> float:
    """Processor time that the living processes of the family have used, in user mode and in the kernel."""
    return sum(process.cpu_ticks for process in family_of(leader).values()) / os.sysconf("SC_CLK_TCK")


def _every_process() -> dict[int, _Process]:
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # the fields from the third on, the state: a process may have any name, brackets and all
            fields = re.sub(r"^.*\) ", "", (folder / "stat").read_text(), flags=re.DOTALL).split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        ticks = int(fields[11]) + int(fields[12])
        found[int(folder.name)] = _Process(fields[0], int(fields[1]), int(fields[3]), int(fields[19]), ticks)
    return found


def resident_megabytes(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1000 if found else float("nan")
