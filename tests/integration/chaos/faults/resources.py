"""A gateway that runs out of descriptors or of memory: limits of the kernel's, set on the running process by prlimit.

They need no privilege. Threads are in `threads.py`: the kernel counts them per user, and not for root.
"""

import http.client
import re
import resource
import socket
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from loadtests.http_connection import http_target
from tests.integration.chaos.faults.fault import NOBODY, REFUSALS
from tests.integration.chaos.questions import Outcome
from tests.processes import GatewayProcess
from tests.swaps import until

CONNECTIONS, SPARE_DESCRIPTORS = 300, 8
SENDERS, LARGE_ROWS = 8, 4000
LARGE_BODY = b'{"instances": [' + b", ".join([b"1.5" + b"0" * 1000] * LARGE_ROWS) + b"]}"
"""4 MB of numbers with many noughts, half of the rows that may wait."""
EXPECTED = {200, 429, 503, 504}
HEADROOM_BYTES = 1_500_000_000
"""Of addresses, beyond those in use: glibc takes 64 MB of them for each thread that allocates and uses little of it."""


def open_files(process: int) -> int:
    return sum(1 for _ in Path(f"/proc/{process}/fd").iterdir())


@dataclass
class NoDescriptors:
    """Hundreds of connections come, and the gateway may open hardly any; those it has are answered."""

    gateway: GatewayProcess
    name: str = "process: no descriptors left"
    lasts: bool = True
    harm: frozenset[Outcome] = NOBODY
    recovers_seconds: float = 2.0
    _limits: tuple[int, int] = (0, 0)
    _connections: list[socket.socket] = field(default_factory=list)

    def begin(self) -> None:
        process = self.gateway.process.pid
        self._limits = resource.prlimit(process, resource.RLIMIT_NOFILE)
        few = open_files(process) + SPARE_DESCRIPTORS
        resource.prlimit(process, resource.RLIMIT_NOFILE, (few, self._limits[1]))
        address = http_target(self.gateway.url)
        for _ in range(CONNECTIONS):
            with suppress(OSError):
                self._connections.append(socket.create_connection(address, 30.0))

    def end(self) -> None:
        """Room again, and a new caller is answered."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        resource.prlimit(self.gateway.process.pid, resource.RLIMIT_NOFILE, self._limits)
        until(self._takes_new_callers)

    def _takes_new_callers(self) -> bool:
        with suppress(OSError, http.client.HTTPException):
            return bool(self.gateway.get("/livez"))
        return False


@dataclass
class NoMemory:
    """Large requests without end, and a bound on the memory that the gateway may take: it refuses some and lives."""

    gateway: GatewayProcess
    name: str = "process: bounded memory, large requests"
    lasts: bool = True
    harm: frozenset[Outcome] = REFUSALS
    recovers_seconds: float = 3.0
    statuses: set[int] = field(default_factory=set)
    _limits: tuple[int, int] = (0, 0)
    _ended: threading.Event = field(default_factory=threading.Event)
    _stack: ExitStack = field(default_factory=ExitStack)
    _sending: list[Future[None]] = field(default_factory=list)

    def begin(self) -> None:
        process = self.gateway.process.pid
        self._limits = resource.prlimit(process, resource.RLIMIT_AS)
        resource.prlimit(process, resource.RLIMIT_AS, (_address_bytes(process) + HEADROOM_BYTES, self._limits[1]))
        self._ended.clear()
        pool = self._stack.enter_context(ThreadPoolExecutor(SENDERS))
        self._sending = [pool.submit(self._send) for _ in range(SENDERS)]

    def end(self) -> None:
        self._ended.set()
        self._stack.close()
        for sending in self._sending:
            sending.result()
        assert self.statuses <= EXPECTED, self.statuses
        assert self.gateway.process.poll() is None
        resource.prlimit(self.gateway.process.pid, resource.RLIMIT_AS, self._limits)

    def _send(self) -> None:
        host, port = http_target(self.gateway.url)
        while not self._ended.is_set():
            connection = http.client.HTTPConnection(host, port, timeout=60.0)
            connection.request("POST", "/v1/models/doubles:predict", LARGE_BODY, {"content-type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            self.statuses.add(answer.status)
            connection.close()


def _address_bytes(process: int) -> int:
    found = re.search(r"VmSize:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found
    return int(found[1]) * 1024
