"""Chunks asked about by tasks. Order is forced by events, never by time."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from penstock_client.bulk_cutting import Chunk
from penstock_client.bulk_tasks import answers_in_order, chunks_as_they_come

SECONDS = 10.0


async def chunks(count: int) -> AsyncIterator[Chunk]:
    for index in range(count):
        yield Chunk(index, index, [index])


async def numbered(rows: int) -> AsyncIterator[int]:
    for row in range(rows):
        yield row


def test_answers_keep_the_order_of_the_chunks() -> None:
    async def run() -> list[int]:
        second_is_done = asyncio.Event()

        async def ask(chunk: Chunk) -> int:
            if chunk.index == 0:
                await second_is_done.wait()
            if chunk.index == 1:
                second_is_done.set()
            return chunk.index

        async with asyncio.timeout(SECONDS):
            return [answer async for answer in answers_in_order(ask, chunks(20), 2)]

    assert asyncio.run(run()) == list(range(20))


def test_answers_come_while_the_source_waits() -> None:
    async def run() -> list[int]:
        first_is_answered = asyncio.Event()
        got = []

        async def slow() -> AsyncIterator[Chunk]:
            yield Chunk(0, 0, [0])
            await first_is_answered.wait()
            yield Chunk(1, 1, [1])

        async def ask(chunk: Chunk) -> int:
            return chunk.index

        async with asyncio.timeout(SECONDS):
            async for answer in answers_in_order(ask, slow(), 4):
                got.append(answer)
                first_is_answered.set()
        return got

    assert asyncio.run(run()) == [0, 1]


def test_no_more_are_under_way_than_asked_for() -> None:
    async def run() -> int:
        together, now, most = asyncio.Barrier(3), 0, 0

        async def ask(chunk: Chunk) -> int:
            nonlocal now, most
            now += 1
            most = max(most, now)
            await together.wait()
            now -= 1
            return chunk.index

        async with asyncio.timeout(SECONDS):
            assert [answer async for answer in answers_in_order(ask, chunks(30), 3)] == list(range(30))
        return most

    assert asyncio.run(run()) == 3


def test_the_first_error_in_order_is_raised_and_the_rest_is_given_up() -> None:
    async def run() -> None:
        begun, given_up = asyncio.Event(), asyncio.Event()

        async def ask(chunk: Chunk) -> int:
            if chunk.index == 1:
                await begun.wait()
                raise KeyError(chunk.index)
            if chunk.index > 1:
                begun.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    given_up.set()
            return chunk.index

        answers = answers_in_order(ask, chunks(10), 3)
        assert await anext(answers) == 0
        async with asyncio.timeout(SECONDS):
            with pytest.raises(KeyError):
                await anext(answers)
        assert given_up.is_set()

    asyncio.run(run())


@pytest.mark.parametrize("rows", [0, 1, 4, 5])
def test_an_async_iterators_rows_are_cut_like_an_iterators(rows: int) -> None:
    async def of(inputs: object) -> list[Chunk]:
        return [chunk async for chunk in chunks_as_they_come(inputs, 2)]

    async def both() -> tuple[list[Chunk], list[Chunk]]:
        plain: Iterator[int] = iter(range(rows))
        return await of(numbered(rows)), await of(plain)

    as_they_came, at_once = asyncio.run(both())
    assert as_they_came == at_once
