"""Disks that hang, are slow or full, without a right to mount any.

A hung disk is a named pipe where a file was: whoever reads it waits in the kernel until somebody writes; a slow one is
such a pipe into which somebody writes the file, late, for every reader. A full one is
the kernel's bound on the size of the files that a process may write (RLIMIT_FSIZE, set from outside by prlimit): every
write beyond it fails, with EFBIG where a disk says ENOSPC.
"""

import os
import resource
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.chaos.faults.fault import NOBODY
from tests.integration.chaos.faults.publishing import MODEL
from tests.integration.chaos.questions import Outcome
from tests.processes import GatewayProcess
from tests.swaps import until

LATE_SECONDS, LOOK_SECONDS = 0.3, 0.02


@dataclass
class HungDisk:
    """The look at the model directory does not come back until the fault ends."""

    models: Path
    name: str = "disk: the model directory hangs"
    lasts: bool = True
    harm: frozenset[Outcome] = NOBODY
    recovers_seconds: float = 2.0
    _writing: int | None = None

    @property
    def file(self) -> Path:
        return self.models / MODEL / "labels.json"

    @property
    def pipe(self) -> Path:
        return self.file.with_name(".labels.pipe")

    def begin(self) -> None:
        os.mkfifo(self.pipe)
        if not self.file.exists():
            self.file.write_text("{}\n")
        before = self.file.read_bytes()
        self.pipe.with_suffix(".kept").write_bytes(before)
        self.pipe.rename(self.file)

    def is_read(self) -> bool:
        """Whether somebody waits for it, who then waits on."""
        with suppress(OSError):  # ENXIO: nobody
            self._writing = os.open(self.file, os.O_WRONLY | os.O_NONBLOCK)
        return self._writing is not None

    def end(self) -> None:
        """Whoever waits reads what was there before."""
        self.is_read()
        self.file.rename(self.pipe)
        kept = self.pipe.with_suffix(".kept")
        text = kept.read_bytes()
        kept.rename(self.file)
        if self._writing is not None:
            with suppress(BrokenPipeError):  # its process is gone
                os.write(self._writing, text)
            os.close(self._writing)
            self._writing = None
        self.pipe.unlink()


@dataclass
class SlowDisk(HungDisk):
    """Every look at the model directory takes LATE_SECONDS and more."""

    name: str = "disk: the model directory is slow"
    _ended: threading.Event = field(default_factory=threading.Event)
    _feeding: threading.Thread = field(default_factory=threading.Thread)

    def begin(self) -> None:
        super().begin()
        self._ended.clear()
        self._feeding = threading.Thread(target=self._feed)
        self._feeding.start()

    def end(self) -> None:
        self._ended.set()
        self._feeding.join()
        super().end()

    def _feed(self) -> None:
        text = self.pipe.with_suffix(".kept").read_bytes()
        while not self._ended.wait(LOOK_SECONDS):
            if self.is_read() and self._writing is not None:
                self._ended.wait(LATE_SECONDS)
                with suppress(BrokenPipeError):
                    os.write(self._writing, text)
                os.close(self._writing)
                self._writing = None


@dataclass(frozen=True)
class FullDisk:
    """What the gateway writes beside answers, the prediction log, finds no room; it goes on once there is some."""

    gateway: GatewayProcess
    log: Path
    name: str = "disk: full under the prediction log"
    lasts: bool = True
    harm: frozenset[Outcome] = NOBODY
    recovers_seconds: float = 2.0

    def begin(self) -> None:
        self._room(0)

    def end(self) -> None:
        """And the log goes on."""
        self._room(resource.RLIM_INFINITY)
        before = self.size()
        until(lambda: self.size() > before)

    def size(self) -> int:
        found = 0
        for path in self.log.iterdir():
            with suppress(FileNotFoundError):  # renamed meanwhile
                found += path.stat().st_size
        return found

    def _room(self, soft: int) -> None:
        process = self.gateway.process.pid
        hard = resource.prlimit(process, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(process, resource.RLIMIT_FSIZE, (soft, hard))
