"""The wall clock of one process, moved while it runs (libfaketime); the monotonic clock is left alone.

The library makes a sleep of no length fail now and then (EINVAL), which ends the thread of a prediction log: a process
whose clock is moved keeps none.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.integration.chaos.faults.fault import NOBODY
from tests.integration.chaos.questions import Outcome

LIBRARIES = "*/faketime/libfaketimeMT.so.1"


class Clock:
    """The wall clock of a process that libfaketime is loaded into: the real one, moved by what its file says."""

    def __init__(self, library: Path, file: Path) -> None:
        self._file = file
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_NO_CACHE": "1",
        }
        self.jump(timedelta())

    def jump(self, by: timedelta) -> None:
        """Written whole beside it first: the library may read at any moment."""
        written = self._file.with_suffix(".new")
        written.write_text(f"{by.total_seconds():+.0f}\n")
        written.rename(self._file)


def clock_library() -> Path | None:
    """Of the Debian package libfaketime; None where it is not installed."""
    return next(iter(sorted(Path("/usr/lib").glob(LIBRARIES))), None)


@dataclass(frozen=True)
class JumpingClock:
    """A day forth, then two back."""

    clock: Clock
    whose: str
    lasts: bool = True
    harm: frozenset[Outcome] = NOBODY
    recovers_seconds: float = 2.0

    @property
    def name(self) -> str:
        return f"clock: the {self.whose}'s jumps"

    def begin(self) -> None:
        self.clock.jump(timedelta(days=1))

    def end(self) -> None:
        self.clock.jump(timedelta(days=-1))
