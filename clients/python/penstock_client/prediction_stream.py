"""Rows read by one thread and asked about by a few, while their answers come out in order: `penstock predict`'s engine.

Nothing waits for more input than has come: rows go off as soon as a request may be sent, as many as there are then.
What is held is bounded: a few blocks read ahead, and the requests under way with their answers.
"""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TypeAlias

from penstock_client.bulk import ChunkOutcome, Window
from penstock_client.bulk_cutting import MOST_ROWS, Chunk, rows_per_chunk
from penstock_client.bulk_threads import Workers
from penstock_client.errors import InvalidInput
from penstock_client.prediction import Prediction
from penstock_client.row_faults import RowAnswer, around_faults
from penstock_client.row_reading import SourceRow

BLOCKS_AHEAD = 4


@dataclass(frozen=True, slots=True)
class _Read:
    rows: list[SourceRow]


@dataclass(frozen=True, slots=True)
class _Ended:
    error: Exception | None = None


Ask: TypeAlias = Callable[[list[object]], Sequence[Prediction]]
"""The predictions of some rows, in order. Raises PenstockError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions:
    """`chunk_rows` go in a request at most, None for what their size says. With `keep_going` a wrong row is passed."""

    concurrency: int
    chunk_rows: int | None = None
    keep_going: bool = False


class PredictionStream:
    """One stream. Iterate over `answers` once."""

    def __init__(self, ask: Ask, options: StreamOptions) -> None:
        self._ask = ask
        self._options = options
        self._events: SimpleQueue[_Read | _Ended | ChunkOutcome[list[RowAnswer]]] = SimpleQueue()
        self._room = threading.Semaphore(BLOCKS_AHEAD)
        self._window: Window[list[RowAnswer]] = Window(options.concurrency)
        self._waiting: deque[SourceRow] = deque()
        self._sent, self._asking, self._blocks_held = 0, 0, 0

    def answers(self, blocks: Iterator[list[SourceRow]]) -> Generator[list[RowAnswer], None, None]:
        """In the order of the rows, a request's at a time; `blocks` are read in a thread of its own.

        Without `keep_going` the last answer may be a row's error. Raises what `ask` and `blocks` raise, after the
        answers of the rows before.
        """
        threading.Thread(target=self._read, args=(blocks,), name="penstock-read", daemon=True).start()
        workers = Workers(self._answered, self._options.concurrency, self._events.put)
        ended: _Ended | None = None
        try:
            while ended is None or self._waiting or not self._window.is_empty:
                self._send_what_waits(workers)
                event = self._events.get()
                if isinstance(event, _Read):
                    self._waiting.extend(event.rows)
                    self._blocks_held += 1
                elif isinstance(event, _Ended):
                    ended = event
                else:
                    self._asking -= 1
                    self._window.close(event)
                    yield from self._window.ready()
        finally:
            workers.close()
        if ended.error is not None:
            raise ended.error

    def _send_what_waits(self, workers: Workers[list[RowAnswer]]) -> None:
        while self._waiting and self._window.has_room and self._asking < self._options.concurrency:
            size = self._options.chunk_rows or rows_per_chunk(self._waiting[0].row)
            rows = [self._waiting.popleft() for _ in range(min(size, len(self._waiting)))]
            self._window.open(self._sent)
            workers.give(Chunk(self._sent, 0, rows))
            self._sent += 1
            self._asking += 1
        if len(self._waiting) < (self._options.chunk_rows or MOST_ROWS):
            while self._blocks_held:
                self._blocks_held -= 1
                self._room.release()

    def _read(self, blocks: Iterator[list[SourceRow]]) -> None:
        try:
            for rows in blocks:
                self._room.acquire()
                self._events.put(_Read(rows))
        except Exception as error:  # noqa: BLE001 - it is raised where the rows are answered
            self._events.put(_Ended(error))
        else:
            self._events.put(_Ended())

    def _answered(self, chunk: Chunk) -> list[RowAnswer]:
        asking = around_faults(chunk.rows, keep_going=self._options.keep_going)
        try:
            rows = next(asking)
            while True:
                rows = asking.send(self._outcome(rows))
        except StopIteration as stop:
            answers: list[RowAnswer] = stop.value
            return answers

    def _outcome(self, rows: Sequence[SourceRow]) -> Sequence[Prediction] | InvalidInput:
        try:
            return self._ask([each.row for each in rows])
        except InvalidInput as error:
            return error
