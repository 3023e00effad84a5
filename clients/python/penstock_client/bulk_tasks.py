"""`AsyncClient.predict_many`: a task for each request under way, on the caller's event loop."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from penstock_client.bulk import BulkOptions, ChunkOutcome, Window, pinned
from penstock_client.bulk_cutting import Chunk, chunks_of, rows_per_chunk, total_rows
from penstock_client.bulk_progress import shown_progress
from penstock_client.errors import PenstockError
from penstock_client.messages import Address
from penstock_client.predictions import AnsweredRows, Predictions

Answer = TypeVar("Answer")


async def chunks_as_they_come(inputs: object, chunk_rows: int | None) -> AsyncGenerator[Chunk, None]:
    """`chunks_of`, also of an async iterator's rows. Raises ValueError as that does."""
    if not isinstance(inputs, AsyncIterable):
        for chunk in chunks_of(inputs, chunk_rows):
            yield chunk
        return
    index, start, size = 0, 0, chunk_rows or 0
    held: list[object] = []
    async for row in inputs:
        size = size or rows_per_chunk(row)
        held.append(row)
        if len(held) == size:
            yield Chunk(index, start, held)
            index, start, held = index + 1, start + size, []
    if held:
        yield Chunk(index, start, held)


async def answers_in_order(
    ask: Callable[[Chunk], Awaitable[Answer]], chunks: AsyncIterator[Chunk], concurrency: int
) -> AsyncGenerator[Answer, None]:
    """The answers in the chunks' order, `concurrency` requests at a time; also while the next chunk is waited for.

    Closed early, or cancelled, it gives up what is under way.
    """
    window: Window[Answer] = Window(concurrency)
    asking: set[asyncio.Task[ChunkOutcome[Answer]]] = set()
    cutting: asyncio.Task[Chunk | None] | None = None
    is_through = False
    try:
        while True:
            if cutting is None and not is_through and window.has_room and len(asking) < concurrency:
                cutting = asyncio.create_task(_next(chunks))
            under_way = {*asking, cutting} if cutting else asking
            if not under_way:
                return
            done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            if cutting in done:
                chunk, cutting = cutting.result(), None
                is_through = chunk is None
                if chunk is not None:
                    window.open(chunk.index)
                    asking.add(asyncio.create_task(_asked(ask, chunk)))
            for asked in [each for each in asking if each in done]:
                asking.discard(asked)
                window.close(asked.result())
            for answer in window.ready():
                yield answer
    finally:
        left = [*asking, cutting] if cutting else [*asking]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def _next(chunks: AsyncIterator[Chunk]) -> Chunk | None:
    return await anext(chunks, None)


async def _asked(ask: Callable[[Chunk], Awaitable[Answer]], chunk: Chunk) -> ChunkOutcome[Answer]:
    try:
        return ChunkOutcome(chunk.index, await ask(chunk))
    except Exception as error:  # noqa: BLE001 - it is raised where somebody waits for the chunk
        return ChunkOutcome(chunk.index, error=error)


@dataclass(frozen=True, slots=True)
class ManyRows:
    """One call of `AsyncClient.predict_many`. `describe` asks for the model's metadata, `ask` about one chunk."""

    describe: Callable[[Address], Awaitable[object]]
    ask: Callable[[Address, Chunk], Awaitable[AnsweredRows]]
    options: BulkOptions

    async def predict(self, address: Address, inputs: object) -> Predictions:
        parts: list[AnsweredRows] = []
        rows = 0
        try:
            with shown_progress(self.options.progress, total_rows(inputs)) as tell:
                async with aclosing(self._answers(address, inputs)) as answers:
                    async for answered in answers:
                        parts.append(answered)
                        rows += answered.row_count
                        tell(rows)
        except PenstockError as error:
            error.answered = Predictions(parts)
            raise
        return Predictions(parts)

    async def _answers(self, address: Address, inputs: object) -> AsyncGenerator[AnsweredRows, None]:
        await self.describe(address)  # once, rather than by every task
        async with aclosing(chunks_as_they_come(inputs, self.options.chunk_rows)) as chunks:
            if self.options.same_version:
                async for first in chunks:
                    answered = await self.ask(address, first)
                    yield answered
                    address = pinned(address, answered)
                    break
            rest = answers_in_order(lambda chunk: self.ask(address, chunk), chunks, self.options.requests_under_way)
            async with aclosing(rest) as answers:
                async for answered in answers:
                    yield answered
