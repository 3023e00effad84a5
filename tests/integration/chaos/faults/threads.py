"""A process that may make no thread more: the kernel's bound on those of its user (RLIMIT_NPROC), set while it runs.

The kernel does not hold root to that bound, and a container's own (the cgroup's `pids.max`) is mostly not the tests' to
write. So where the tests run as root the gateway gets a user of its own, with root's right to read and write files and
no other, and its limit is set by a process of that user, which needs no right at all.
"""

import json
import os
import resource
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import absent
from tests.integration.chaos.faults.fault import NOBODY
from tests.integration.chaos.faults.publishing import MODEL
from tests.integration.chaos.faults.senders import Senders
from tests.integration.chaos.questions import Outcome
from tests.processes import GatewayProcess
from tests.swaps import publish_again, until

USER = 424_242
"""Nobody's, so that its threads are the gateway's alone."""
_BECOME = ("setpriv", f"--reuid={USER}")
_KEEP_FILES = ("--securebits=+no_setuid_fixup", "--inh-caps=+dac_override", "--ambient-caps=+dac_override")
"""The first of them also for access(2), by which TensorFlow looks for a model's files."""
ROWS = 100
LARGE_BODY = json.dumps({"instances": [1.5] * ROWS}).replace("1.5", "1.5" + "0" * 1000).encode()
"""100 KB, which are read in another thread than the loop's."""


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
    _version: int = 0

    def __post_init__(self) -> None:
        self._senders = Senders(self.gateway, LARGE_BODY)

    def begin(self) -> None:
        """Returns once the gateway has said that the new version must wait."""
        self.forbid()
        self._version = publish_again(self.models, MODEL)
        until(lambda: self._says(f"version {self._version} cannot be loaded: the process may make no more threads"))
        self._senders.begin()

    def end(self) -> None:
        """There is room again, and the version is loaded."""
        self._senders.end()
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
