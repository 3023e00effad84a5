"""The other end of a recording: asks every process of a gateway, and writes what they send into one TFRecord file.

The file is written under another name and takes its own once the recording is over, so that who finds it finds it
whole; only its owner may read it, for it holds requests.
"""

import asyncio
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from serving.contract.tfrecord import tfrecord
from serving.errors import BackendRejected, BackendUnavailable, PublishError
from serving.model_server.control_socket import END_SECONDS, LENGTH
from serving.model_server.recording import RecordCounts, RecordOrder
from serving.model_store.atomic_file import sync


@dataclass(slots=True)
class RecordTotals:
    """`lost`: processes of the gateway that went away before the recording was over; what they sent is in the file."""

    written: int = 0
    written_bytes: int = 0
    lost: int = 0
    told: list[RecordCounts] = field(default_factory=list)

    def summed(self) -> RecordCounts:
        sums = {name: sum(getattr(each, name) for each in self.told) for name in RecordCounts.model_fields}
        return RecordCounts(**sums)


@dataclass(slots=True)
class RecordFile:
    """Where a recording goes: at most `requests` of them, if that is set; `over` is set when there are so many."""

    file: BinaryIO
    requests: int | None
    over: asyncio.Event
    totals: RecordTotals = field(default_factory=RecordTotals)

    def add(self, log: bytes) -> None:
        if self.requests is not None and self.totals.written >= self.requests:
            return
        record = tfrecord(log)
        self.file.write(record)
        self.totals.written += 1
        self.totals.written_bytes += len(record)
        if self.totals.written == self.requests:
            self.over.set()


async def record_into(
    into: RecordFile,
    paths: Sequence[Path],
    order: RecordOrder,
    *,
    seconds: float | None,
    began: Callable[[int], object],
    tick: Callable[[RecordTotals], object],
    tick_seconds: float,
) -> None:
    """Records until `into` is full, `seconds` have passed, `into.over` is set, or no process of the gateway is left.

    `began` is told once all have agreed, and how many they are; `tick` every `tick_seconds` from then on.
    Raises BackendUnavailable when none answers at `paths`, BackendRejected with what a gateway says against the order.
    """
    connected = await _connected(paths)
    try:
        for reader, writer in connected:
            await _order(reader, writer, order)
        began(len(connected))
        receiving = asyncio.gather(*(_receive(into, reader) for reader, _ in connected))
        ticking = asyncio.create_task(_tick(into.totals, tick, tick_seconds))
        over = asyncio.create_task(into.over.wait())
        ends: set[asyncio.Future[Any]] = {receiving, over}
        await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for _, writer in connected:
            with suppress(OSError):  # it has gone already
                writer.write_eof()
        await asyncio.wait({receiving}, timeout=2 * END_SECONDS)
        if not receiving.done():  # a gateway that hangs
            into.totals.lost += len(connected) - len(into.totals.told) - into.totals.lost
        for task in (receiving, ticking, over):
            task.cancel()
    finally:
        for _, writer in connected:
            writer.close()


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file that is at `path` once the block has ended without an error, and nowhere else. Raises PublishError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(path)
            sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise PublishError(f"cannot write {path}: {error.strerror}") from error


async def _connected(paths: Sequence[Path]) -> list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    connected = []
    for path in paths:
        with suppress(OSError):  # left there by a process that was killed
            connected.append(await asyncio.open_unix_connection(path))
    if not connected:
        raise BackendUnavailable(
            "no gateway answers there; start one with the setting control_socket, or name its path with --socket"
        )
    return connected


async def _order(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, order: RecordOrder) -> None:
    writer.write(order.model_dump_json().encode() + b"\n")
    answer = json.loads(await reader.readline() or b'{"error": "the gateway hung up"}')
    if "error" in answer:
        raise BackendRejected(answer["error"])


async def _receive(into: RecordFile, reader: asyncio.StreamReader) -> None:
    try:
        while True:
            (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
            if not length:
                into.totals.told.append(RecordCounts.model_validate_json(await reader.readline()))
                return
            into.add(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        into.totals.lost += 1


async def _tick(totals: RecordTotals, tick: Callable[[RecordTotals], object], tick_seconds: float) -> None:
    while True:
        await asyncio.sleep(tick_seconds)
        tick(totals)
