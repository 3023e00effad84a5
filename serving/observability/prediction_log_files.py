"""The files of the prediction log: written under a hidden name, and given their own once they are whole.

A file is over when it is large or old enough; the oldest go when all together are too large. Whoever finds a file
without a dot finds it whole. What a killed process left open has a lock that nobody holds: its whole lines are saved by
the next process that starts; a Parquet file without its end has none.

One thread writes; several processes may share the folder.
"""

import fcntl
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import BinaryIO, Protocol

from serving.observability.prediction_records import LoggedPrediction, Source, json_lines
from serving.observability.wall_clock import iso_utc, wall_offset_seconds

OPEN = ".open"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one file its size and age; of all finished ones in the folder their size, the oldest going first."""

    file_bytes: int
    file_seconds: float
    total_bytes: int


class Format(Protocol):
    """How rows stand in a file. `end` writes what makes it whole; `nbytes` is about what it has."""

    def write(self, prediction: LoggedPrediction, time_seconds: float) -> None: ...

    def nbytes(self) -> int: ...

    def end(self) -> None: ...


class JsonLines:
    """A Format whose files are whole after every line."""

    suffix = ".jsonl"

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._nbytes = file, 0

    def write(self, prediction: LoggedPrediction, time_seconds: float) -> None:
        content = b"".join(json_lines(prediction, iso_utc(time_seconds)))
        self._file.write(content)
        self._nbytes += len(content)

    def nbytes(self) -> int:
        return self._nbytes

    def end(self) -> None:
        """Nothing is missing."""


@dataclass(slots=True)
class _OpenFile:
    path: Path
    """Where it goes once it is whole."""
    file: BinaryIO
    rows: Format
    opened_seconds: float


@dataclass(slots=True)
class PredictionFiles:
    """Those of one process in `folder`, which is made where it is not there. `make` begins a file of its format."""

    folder: Path
    limits: Limits
    make: Callable[[BinaryIO], Format] = JsonLines
    suffix: str = JsonLines.suffix
    wall: Callable[[], float] = wall_offset_seconds
    _open: dict[Source, _OpenFile] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def write(self, predictions: Sequence[LoggedPrediction], now_seconds: float) -> None:
        """Raises OSError; the whole lines that were written until then stay, in files that are over."""
        offset = self.wall()
        try:
            for each in predictions:
                opened = self._open.get(each.source) or self._begin(each.source, now_seconds)
                opened.rows.write(each, each.answered_seconds + offset)
                if opened.rows.nbytes() >= self.limits.file_bytes:
                    self._end(each.source)
            for opened in self._open.values():
                opened.file.flush()
        except OSError:
            self._abandon()
            raise

    def rotate(self, now_seconds: float) -> None:
        """Ends the files that are old enough. Raises OSError."""
        limit = self.limits.file_seconds
        self._end_each([key for key, opened in self._open.items() if now_seconds - opened.opened_seconds >= limit])

    def close(self) -> None:
        """Raises OSError."""
        self._end_each(list(self._open))

    def save_leftovers(self) -> None:
        """What processes that were killed have left: whole lines are kept, the rest goes. Raises OSError."""
        for path in self.folder.glob(f".*{OPEN}"):
            with suppress(FileNotFoundError):  # another process has just ended it, or saved it
                kept = _saved(path)
                if kept is not None:
                    what = "its whole lines are kept" if kept else "it was no whole file and is gone"
                    _log.warning("%s was not ended by its process: %s", path.name, what)

    def _begin(self, source: Source, now_seconds: float) -> _OpenFile:
        self.folder.mkdir(parents=True, exist_ok=True)
        moment = datetime.fromtimestamp(now_seconds + self.wall(), UTC).strftime("%Y%m%dT%H%M%S%f")
        what = f"{source.model}-{source.version}-{source.signature.replace('/', '_')}"
        path = self.folder / f"{moment}-{os.getpid()}-{next(self._numbers)}-{what}{self.suffix}"
        unlocked = path.with_name(f".{path.name}")
        file = unlocked.open("xb")
        try:
            _locked(file)
            unlocked.rename(_hidden(path))  # only now, for one without a lock is anybody's
        except OSError:
            file.close()
            unlocked.unlink(missing_ok=True)
            raise
        opened = self._open[source] = _OpenFile(path, file, self.make(file), now_seconds)
        return opened

    def _end_each(self, sources: Sequence[Source]) -> None:
        """One that cannot be ended costs the others nothing. Raises the last OSError."""
        failure: OSError | None = None
        for source in sources:
            try:
                self._end(source)
            except OSError as error:
                failure = error
        if failure is not None:
            raise failure

    def _end(self, source: Source) -> None:
        opened = self._open.pop(source)
        try:
            opened.rows.end()
            opened.file.flush()
            os.fsync(opened.file.fileno())
            _hidden(opened.path).rename(opened.path)
        except Exception:
            _give_up(opened)
            raise
        opened.file.close()
        self._make_room()

    def _abandon(self) -> None:
        """Whatever could not be written, the next file is a new one: half a line must not get another behind it."""
        for opened in self._open.values():
            _give_up(opened)
        self._open.clear()

    def _make_room(self) -> None:
        """Names begin with their moment, so that theirs is the order of age, whatever copied or touched the files."""
        sizes = {path: size for path in self.folder.iterdir() if (size := _finished_bytes(path)) is not None}
        excess = sum(sizes.values()) - self.limits.total_bytes
        for path in sorted(sizes):
            if excess <= 0:
                return
            path.unlink(missing_ok=True)
            excess -= sizes[path]


def _hidden(path: Path) -> Path:
    return path.with_name(f".{path.name}{OPEN}")


def _give_up(opened: _OpenFile) -> None:
    """Keeps its whole lines, without a word: who writes tells of the failure, once however long a disk is full."""
    with suppress(OSError):
        opened.file.close()
    with suppress(OSError):
        _saved(_hidden(opened.path))


def _saved(hidden: Path) -> bool | None:
    """Whether the file had whole lines, which are kept; None where its process lives. Raises OSError."""
    with hidden.open("r+b") as file:
        if not _locked(file):
            return None
        finished = hidden.with_name(hidden.name.removeprefix(".").removesuffix(OPEN))
        has_lines = finished.suffix == JsonLines.suffix and _cut_to_whole_lines(file)
        if has_lines:
            hidden.rename(finished)
        else:
            hidden.unlink()
        return has_lines


def _finished_bytes(path: Path) -> int | None:
    """None for what is none of ours, or is gone: another process may have been quicker."""
    if path.name.startswith(".") or path.suffix not in (".jsonl", ".parquet"):
        return None
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _locked(file: BinaryIO) -> bool:
    """For as long as the file is open, by however it ends."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _cut_to_whole_lines(file: BinaryIO) -> bool:
    """Whether there are any."""
    end = 0
    while line := file.readline():
        if not line.endswith(b"\n"):
            break
        end += len(line)
    file.truncate(end)
    return end > 0
