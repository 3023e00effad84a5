"""A process that may make no thread more: the kernel's bound on those of its user (RLIMIT_NPROC), set while it runs.

The kernel does not hold root to that bound, and a container's own (the cgroup's `pids.max`) is mostly not the tests' to
write. So where the tests run as root the gateway gets a user of its own, with root's right to read and write files and
no other, and its limit is set by a process of that user, which needs no right at all.
"""

import http.client
import json
import os
import resource
import subprocess
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

from loadtests.http_connection import http_target
from tests.conftest import absent
from tests.integration.chaos.faults.fault import NOBODY
from tests.integration.chaos.faults.publishing import MODEL
from tests.integration.chaos.questions import Outcome
from tests.processes import GatewayProcess
from tests.swaps import publish_again, until

USER = 424_242
"""Nobody's, so that its threads are the gateway's alone."""
_BECOME = ("setpriv", f"--reuid={USER}")
_KEEP_FILES = ("--securebits=+no_setuid_fixup", "--inh-caps=+dac_override", "--ambient-caps=+dac_override")
"""The first of them also for access(2), by which TensorFlow looks for a model's files."""
SENDERS, ROWS = 8, 100
LARGE_BODY = json.dumps({"instances": [1.5] * ROWS}).replace("1.5", "1.5" + "0" * 1000).encode()
"""100 KB, which are read in another thread than the loop's."""
EXPECTED = {200, 429, 503, 504}


def becoming() -> tuple[str, ...]:
    """The command before a gateway's own that gives it a user whose threads are counted; nothing where it has one."""
    if os.geteuid() != 0:
        return ()
    command = (*_BECOME, *_KEEP_FILES)
    try:
        subprocess.run((*command, "prlimit", "--version"), check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        absent("needs setpriv and prlimit (Debian package util-linux), and the right to become another user")
    return command


@dataclass
class NoThreads:
    """No thread can be made: large requests come, and a version is published. All are answered; the version waits."""

    gateway: GatewayProcess
    models: Path
    name: str = "process: no threads left"
    lasts: bool = True
    harm: frozenset[Outcome] = NOBODY
    recovers_seconds: float = 2.0
    statuses: set[int] = field(default_factory=set)
    _ended: threading.Event = field(default_factory=threading.Event)
    _stack: ExitStack = field(default_factory=ExitStack)
    _sending: list[Future[None]] = field(default_factory=list)
    _version: int = 0

    def begin(self) -> None:
        """Returns once the gateway has said that the new version must wait."""
        self.forbid()
        self._version = publish_again(self.models, MODEL)
        until(lambda: self._says(f"version {self._version} cannot be loaded: the process may make no more threads"))
        self._ended.clear()
        pool = self._stack.enter_context(ThreadPoolExecutor(SENDERS))
        self._sending = [pool.submit(self._send) for _ in range(SENDERS)]

    def end(self) -> None:
        """There is room again, and the version is loaded."""
        self._ended.set()
        self._stack.close()
        for sending in self._sending:
            sending.result()
        assert self.statuses <= EXPECTED, self.statuses
        self._limit(resource.getrlimit(resource.RLIMIT_NPROC)[1])
        until(lambda: self._says(f"model {MODEL} version {self._version} is live"))

    def forbid(self) -> None:
        self._limit(1)

    def _says(self, text: str) -> bool:
        return any(text in line for line in list(self.gateway.log))

    def _limit(self, soft: int) -> None:
        """The hard one is inherited and stays."""
        process, told = self.gateway.process.pid, "unlimited" if soft == resource.RLIM_INFINITY else str(soft)
        by = _BECOME if os.geteuid() == 0 else ()
        subprocess.run((*by, "prlimit", f"--pid={process}", f"--nproc={told}:"), check=True)

    def _send(self) -> None:
        while not self._ended.is_set():
            with closing(http.client.HTTPConnection(*http_target(self.gateway.url), timeout=60.0)) as connection:
                headers = {"content-type": "application/json"}
                connection.request("POST", f"/v1/models/{MODEL}:predict", LARGE_BODY, headers)
                answer = connection.getresponse()
                answer.read()
                self.statuses.add(answer.status)
