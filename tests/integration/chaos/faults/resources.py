"""A gateway that runs out of descriptors or of memory: limits of the kernel's, set on the running process by prlimit.

They need no privilege. Threads are in `threads.py`: the kernel counts them per user, and not for root.
"""

import http.client
import re
import resource
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from loadtests.http_connection import http_target
from tests.integration.chaos.faults.fault import NOBODY, REFUSALS
from tests.integration.chaos.faults.senders import Senders
from tests.integration.chaos.questions import Outcome
from tests.processes import GatewayProcess
from tests.swaps import until

CONNECTIONS, SPARE_DESCRIPTORS = 300, 8
LARGE_ROWS = 4000
LARGE_BODY = b'{"instances": [' + b", ".join([b"1.5" + b"0" * 1000] * LARGE_ROWS) + b"]}"
"""4 MB of numbers with many noughts, half of the rows that may wait."""
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
    _limits: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        self._senders = Senders(self.gateway, LARGE_BODY)

    def begin(self) -> None:
        process = self.gateway.process.pid
        self._limits = resource.prlimit(process, resource.RLIMIT_AS)
        resource.prlimit(process, resource.RLIMIT_AS, (_address_bytes(process) + HEADROOM_BYTES, self._limits[1]))
        self._senders.begin()

    def end(self) -> None:
        self._senders.end()
        assert self.gateway.process.poll() is None
        resource.prlimit(self.gateway.process.pid, resource.RLIMIT_AS, self._limits)


def _address_bytes(process: int) -> int:
    found = re.search(r"VmSize:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found
    return int(found[1]) * 1024
