"""Where a gateway's figures lie: in this process's own memory, or in files that the workers of one gateway share.

The files have no name and end with the last process that has them open: nothing is left behind, however it ended. A
worker that is started again goes on in the file of the one before it, so that nothing counted is lost.
"""

import logging
import mmap
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from serving.observability.board import ROW_BYTES, Board
from serving.observability.cells import CHUNK_BYTES, Cells, Record, records

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SharedFiles:
    """Descriptors of one gateway's files: the workers' counts, each in a file of its own, and the board of them all."""

    counts: tuple[int, ...]
    board: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """`own` is written by this process alone; `read` gives the records of each worker, by its number."""

    own: Cells
    board: Board
    read: Callable[[], Iterator[Iterable[Record]]]


def private_ledger() -> Ledger:
    """For a gateway of one process."""
    own = Cells((), lambda: memoryview(bytearray(CHUNK_BYTES)))
    board = Board(memoryview(bytearray(ROW_BYTES)), 0)
    board.begin(os.getpid())
    return Ledger(own, board, lambda: iter([records(own.chunks)]))


def make_shared_files(workers: int) -> SharedFiles:
    """Raises OSError."""
    board = _nameless_file()
    os.posix_fallocate(board, 0, _board_bytes(workers))
    return SharedFiles(tuple(_nameless_file() for _ in range(workers)), board)


def shared_ledger(files: SharedFiles, number: int) -> Ledger:
    """For worker `number`, which goes on where the one before it ended. Raises OSError."""
    own = files.counts[number]
    chunks = [_mapped(own, at) for at in range(0, os.fstat(own).st_size, CHUNK_BYTES)]
    board_bytes = _board_bytes(len(files.counts))
    board = Board(memoryview(mmap.mmap(files.board, board_bytes)), number)
    board.begin(os.getpid())
    return Ledger(Cells(chunks, partial(_grown, own)), board, partial(_read_all, files.counts))


def forget_moment(files: SharedFiles, number: int) -> None:
    """Worker `number` is dead: its counts stay, what it showed of the moment counts no more."""
    os.pwrite(files.board, bytes(8), number * ROW_BYTES)


def _board_bytes(workers: int) -> int:
    return workers * ROW_BYTES


def _nameless_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("penstock", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _grown(file: int) -> memoryview:
    """The next chunk. Allocated before it is mapped: no room is an error here, and SIGBUS later."""
    end = os.fstat(file).st_size
    try:
        os.posix_fallocate(file, end, CHUNK_BYTES)
    except OSError as error:  # counting must not fail a request
        _log.warning("no room for more metrics (%s): new series are not shown", error.strerror)
        return memoryview(bytearray(CHUNK_BYTES))
    return _mapped(file, end)


def _mapped(file: int, start: int) -> memoryview:
    return memoryview(mmap.mmap(file, CHUNK_BYTES, offset=start))


def _read_all(files: Sequence[int]) -> Iterator[Iterable[Record]]:
    for file in files:
        content = memoryview(os.pread(file, os.fstat(file).st_size, 0))
        yield records(content[at : at + CHUNK_BYTES] for at in range(0, len(content), CHUNK_BYTES))
