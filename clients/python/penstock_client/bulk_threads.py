"""`Client.predict_many`: a few threads that ask about a chunk each, while the caller's own cuts and puts together."""

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from penstock_client.bulk import BulkOptions, ChunkOutcome, Window, pinned
from penstock_client.bulk_cutting import Chunk, chunks_of, total_rows
from penstock_client.bulk_progress import shown_progress
from penstock_client.errors import PenstockError
from penstock_client.messages import Address
from penstock_client.predictions import AnsweredRows, Predictions

Answer = TypeVar("Answer")


class Workers(Generic[Answer]):
    """Threads that ask about one chunk at a time each, and tell what becomes of it, in no order.

    They die with the process, so that an interrupted call waits for nobody.
    """

    def __init__(
        self, ask: Callable[[Chunk], Answer], count: int, tell: Callable[[ChunkOutcome[Answer]], object]
    ) -> None:
        self._chunks: SimpleQueue[Chunk | None] = SimpleQueue()
        self._ask, self._tell, self._count = ask, tell, count
        for _ in range(count):
            threading.Thread(target=self._work, name="penstock-bulk", daemon=True).start()

    def give(self, chunk: Chunk) -> None:
        self._chunks.put(chunk)

    def close(self) -> None:
        """Each thread ends when it is through with the chunk that it is at; those still waiting are asked by nobody."""
        with suppress(Empty):
            while True:
                self._chunks.get_nowait()
        for _ in range(self._count):
            self._chunks.put(None)

    def _work(self) -> None:
        while (chunk := self._chunks.get()) is not None:
            try:
                outcome = ChunkOutcome(chunk.index, self._ask(chunk))
            except Exception as error:  # noqa: BLE001 - it is raised where somebody waits for the chunk
                outcome = ChunkOutcome(chunk.index, error=error)
            self._tell(outcome)


def answers_in_order(
    ask: Callable[[Chunk], Answer], chunks: Iterator[Chunk], concurrency: int
) -> Generator[Answer, None, None]:
    """The answers in the chunks' order, `concurrency` requests at a time. Chunks are taken in the caller's thread."""
    window: Window[Answer] = Window(concurrency)
    outcomes: SimpleQueue[ChunkOutcome[Answer]] = SimpleQueue()
    workers = Workers(ask, concurrency, outcomes.put)
    try:
        while True:
            while window.has_room and (chunk := next(chunks, None)) is not None:
                window.open(chunk.index)
                workers.give(chunk)
            if window.is_empty:
                return
            window.close(outcomes.get())
            yield from window.ready()
    finally:
        workers.close()


@dataclass(frozen=True, slots=True)
class ManyRows:
    """One call of `Client.predict_many`. `describe` asks for the model's metadata, `ask` about one chunk."""

    describe: Callable[[Address], object]
    ask: Callable[[Address, Chunk], AnsweredRows]
    options: BulkOptions

    def predict(self, address: Address, inputs: object) -> Predictions:
        parts: list[AnsweredRows] = []
        rows = 0
        chunks = chunks_of(inputs, self.options.chunk_rows)
        try:
            with (
                shown_progress(self.options.progress, total_rows(inputs)) as tell,
                closing(self._answers(address, chunks)) as answers,
            ):
                for answered in answers:
                    parts.append(answered)
                    rows += answered.row_count
                    tell(rows)
        except PenstockError as error:
            error.answered = Predictions(parts)
            raise
        return Predictions(parts)

    def _answers(self, address: Address, chunks: Iterator[Chunk]) -> Generator[AnsweredRows, None, None]:
        self.describe(address)  # once, rather than by every thread
        if self.options.same_version:
            for first in chunks:
                answered = self.ask(address, first)
                yield answered
                address = pinned(address, answered)
                break
        yield from answers_in_order(lambda chunk: self.ask(address, chunk), chunks, self.options.requests_under_way)
