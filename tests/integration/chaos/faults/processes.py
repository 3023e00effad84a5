"""Processes that are killed, or stand still: workers of the gateway, and the model server."""

import os
import re
import signal
from collections.abc import Callable
from dataclasses import dataclass

from tests.integration.chaos.faults.fault import BREAKS, REFUSALS
from tests.integration.chaos.questions import Outcome
from tests.processes import STOP_SECONDS, GatewayProcess
from tests.swaps import until


def worker_of(gateway: GatewayProcess, number: int) -> int:
    """The process that is worker `number` now, as the log says."""
    named = [re.search(rf"worker {number} is up \(process (\d+)\)", line) for line in list(gateway.log)]
    return [int(found[1]) for found in named if found][-1]


@dataclass(frozen=True)
class KilledWorker:
    """Its connections break; the other worker answers on, and the supervisor brings it back."""

    gateway: GatewayProcess
    number: int
    name: str = "worker: kill -9"
    lasts: bool = False
    harm: frozenset[Outcome] = BREAKS | REFUSALS
    recovers_seconds: float = 5.0

    def begin(self) -> None:
        os.kill(worker_of(self.gateway, self.number), signal.SIGKILL)

    def end(self) -> None:
        """The supervisor does the rest."""


@dataclass(frozen=True)
class StoppedWorker:
    """The connections it has, and those that the kernel gives it, wait."""

    gateway: GatewayProcess
    number: int
    name: str = "worker: SIGSTOP"
    lasts: bool = True
    harm: frozenset[Outcome] = REFUSALS
    recovers_seconds: float = 2.0

    def begin(self) -> None:
        os.kill(worker_of(self.gateway, self.number), signal.SIGSTOP)

    def end(self) -> None:
        os.kill(worker_of(self.gateway, self.number), signal.SIGCONT)


@dataclass
class KilledServer:
    """The only model server is killed; another is started at its address, whose coming up is the end of the fault."""

    server: GatewayProcess
    start_again: Callable[[], GatewayProcess]
    name: str = "model server: kill -9"
    lasts: bool = True
    harm: frozenset[Outcome] = REFUSALS
    recovers_seconds: float = 3.0

    def begin(self) -> None:
        self.server.process.kill()
        self.server.process.wait(STOP_SECONDS)

    def end(self) -> None:
        self.server = self.start_again()


@dataclass(frozen=True)
class StoppedServer:
    """`killed` knows which process is the server now."""

    killed: KilledServer
    name: str = "model server: SIGSTOP"
    lasts: bool = True
    harm: frozenset[Outcome] = REFUSALS
    recovers_seconds: float = 3.0

    def begin(self) -> None:
        self.killed.server.process.send_signal(signal.SIGSTOP)

    def end(self) -> None:
        self.killed.server.process.send_signal(signal.SIGCONT)


def wait_for_workers(gateway: GatewayProcess, workers: int) -> None:
    """The log comes by a thread of its own."""
    until(lambda: sum("is up (process" in line for line in list(gateway.log)) >= workers)
