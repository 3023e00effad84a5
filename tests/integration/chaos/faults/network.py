"""The network between the gateway and its model server, spoilt by the proxy."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.integration.chaos.faults.fault import NOBODY, REFUSALS
from tests.integration.chaos.proxy import Mode
from tests.integration.chaos.questions import Outcome
from tests.processes import ROOT

CONTROL_SECONDS = 30.0


@dataclass
class ProxyProcess:
    port: int
    control: socket.socket

    def turn_to(self, mode: Mode) -> None:
        """Returns once the mode holds."""
        self.control.sendall(f"{mode}\n".encode())
        assert self.control.recv(64).decode().strip() == mode


@contextmanager
def running_proxy(target: int, seed: int) -> Iterator[ProxyProcess]:
    command = [sys.executable, "-m", "tests.integration.chaos.proxy", str(target), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout
        try:
            told = json.loads(process.stdout.readline())
            with socket.create_connection(("127.0.0.1", told["control"]), CONTROL_SECONDS) as control:
                yield ProxyProcess(told["port"], control)
        finally:
            process.kill()


@dataclass(frozen=True)
class SpoiltNetwork:
    proxy: ProxyProcess
    mode: Mode
    lasts: bool = True
    recovers_seconds: float = 2.0

    @property
    def name(self) -> str:
        return f"network: {self.mode}"

    @property
    def harm(self) -> frozenset[Outcome]:
        """What is only late is answered all the same."""
        return NOBODY if self.mode is Mode.DELAY else REFUSALS

    def begin(self) -> None:
        self.proxy.turn_to(self.mode)

    def end(self) -> None:
        self.proxy.turn_to(Mode.PASS)
