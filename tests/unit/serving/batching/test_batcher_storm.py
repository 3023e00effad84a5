"""A backend in every mood and callers who come, wait, lose patience and leave: each request ends exactly once."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from serving.backends.in_memory import Turn
from serving.batching.waiting import Answer
from serving.errors import BackendUnavailable, DeadlineExceeded, Overloaded
from tests.unit.serving.batching.batcher_parts import Gateway, gateway, ids, in_memory
from tests.unit.serving.batching.event_loop import on_event_loop

CALLERS, REQUESTS_EACH = 50, 40


@pytest.mark.parametrize("seed", [1, 2])
@on_event_loop
async def test_each_of_2000_requests_ends_exactly_once(seed: int) -> None:
    desk = gateway(await in_memory(*moods(Random(seed))), max_batch_rows=16, slots=2, max_rows=120)
    told: Counter[str] = Counter()
    await asyncio.gather(*(caller(desk, Random(1_000 * seed + n), n, told) for n in range(CALLERS)))
    assert told.total() == CALLERS * REQUESTS_EACH
    assert told.keys() == {"answered", "cancelled", "BackendUnavailable", "DeadlineExceeded", "Overloaded"}
    await desk.batcher.close()
    assert desk.idle


def moods(random: Random) -> Iterator[Turn]:
    """Quick, slow, failing, and now and then hung, in spells of a few calls."""
    for _ in range(2_000):
        mood = random.choices(
            [Turn(), Turn(0.002), Turn(0.001, BackendUnavailable("nobody answers")), Turn(60.0)], [8, 4, 3, 0.2]
        )
        yield from mood * random.randint(1, 4)


async def caller(desk: Gateway, random: Random, number: int, told: Counter[str]) -> None:
    for turn in range(REQUESTS_EACH):
        first, rows = 1_000_000 * number + 1_000 * turn, random.choice([1, 1, 2, 5, 40])
        patience = random.choice([0.003, 0.02, 0.2])
        request = asyncio.create_task(desk.ask(first, rows, patience_seconds=patience))
        if random.random() < 0.1:
            await asyncio.sleep(0)
            request.cancel()
        told[ending(*await asyncio.gather(request, return_exceptions=True), list(range(first, first + rows)))] += 1


def ending(outcome: Answer | BaseException, rows: list[int]) -> str:
    if isinstance(outcome, Answer):
        assert ids(outcome) == rows
        return "answered"
    if isinstance(outcome, asyncio.CancelledError):
        return "cancelled"
    assert isinstance(outcome, BackendUnavailable | DeadlineExceeded | Overloaded)
    return type(outcome).__name__
