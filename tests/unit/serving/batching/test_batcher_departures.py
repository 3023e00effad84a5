"""Callers who leave or run out of time: they hear of it at once, and nobody else does."""

import asyncio

import pytest

from serving.backends.in_memory import Turn
from serving.errors import BackendUnavailable, DeadlineExceeded
from tests.unit.serving.batching.batcher_parts import Clock, GatedBackend, gateway, ids, in_memory
from tests.unit.serving.batching.event_loop import on_event_loop

SOON_SECONDS = 0.02
"""A deadline that does pass while the test looks on; nothing waits for it but the code under test."""


@on_event_loop
async def test_a_cancelled_caller_is_forgotten() -> None:
    backend = GatedBackend()
    desk = gateway(backend)
    first = asyncio.create_task(desk.ask(1))
    await backend.started.acquire()
    second, third = asyncio.create_task(desk.ask(2)), asyncio.create_task(desk.ask(3))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait([second])
    assert desk.core.queued_rows == 1
    backend.gate.set()
    assert [ids(await first), ids(await third)] == [[1], [3]]
    assert [call.ids for call in backend.calls] == [[1], [3]]


@on_event_loop
async def test_a_caller_cancelled_in_flight_leaves_its_neighbours_rows_in_place() -> None:
    backend = GatedBackend()
    desk = gateway(backend)
    gone, stays = asyncio.create_task(desk.ask(1)), asyncio.create_task(desk.ask(2))
    await backend.started.acquire()
    gone.cancel()
    backend.gate.set()
    assert ids(await stays) == [2]
    assert gone.cancelled()
    assert desk.idle


@on_event_loop
async def test_a_caller_cancelled_just_before_its_answer_bothers_nobody() -> None:
    backend = GatedBackend()
    desk = gateway(backend)
    gone, stays = asyncio.create_task(desk.ask(1)), asyncio.create_task(desk.ask(2))
    await backend.started.acquire()
    backend.gate.set()
    gone.cancel()  # the answer comes later in this turn of the loop than this, and before the caller hears of it
    assert ids(await stays) == [2]
    assert gone.cancelled()


@pytest.mark.parametrize("fault", [None, BackendUnavailable("nobody answers")])
@on_event_loop
async def test_a_caller_cancelled_just_after_its_answer_bothers_nobody(fault: BaseException | None) -> None:
    backend = GatedBackend(fault=fault)
    desk = gateway(backend)
    caller = asyncio.create_task(desk.ask(1))
    await backend.started.acquire()
    desk.tally.then = caller.cancel
    backend.gate.set()
    await asyncio.wait([caller])
    assert caller.cancelled()
    assert desk.idle


@on_event_loop
async def test_a_deadline_that_passes_in_the_queue_is_told_at_once() -> None:
    backend, clock = GatedBackend(), Clock()
    desk = gateway(backend, clock=clock)
    first = asyncio.create_task(desk.ask(1))
    await backend.started.acquire()
    second = asyncio.create_task(desk.ask(2, patience_seconds=SOON_SECONDS))
    await asyncio.sleep(0)
    clock.now += SOON_SECONDS
    with pytest.raises(DeadlineExceeded):
        await second
    assert desk.core.in_flight == 1, "the slot is still taken"
    backend.gate.set()
    assert ids(await first) == [1]
    assert [call.ids for call in backend.calls] == [[1]]


@on_event_loop
async def test_an_earlier_deadline_than_the_one_watched_is_seen_in_time() -> None:
    backend = GatedBackend()
    desk = gateway(backend)
    patient = asyncio.create_task(desk.ask(1))
    await backend.started.acquire()
    hasty = [desk.ask(2, patience_seconds=2 * SOON_SECONDS), desk.ask(3, patience_seconds=SOON_SECONDS)]
    ends = await asyncio.gather(*hasty, return_exceptions=True)
    assert [type(end) for end in ends] == [DeadlineExceeded, DeadlineExceeded]
    backend.gate.set()
    assert ids(await patient) == [1]


@on_event_loop
async def test_a_backend_that_never_answers_frees_its_slot_at_the_deadline() -> None:
    desk = gateway(await in_memory(Turn(delay_seconds=3_600.0)), max_batch_rows=1)
    lost, served = await asyncio.gather(desk.ask(1, patience_seconds=SOON_SECONDS), desk.ask(2), return_exceptions=True)
    assert isinstance(lost, DeadlineExceeded)
    assert not isinstance(served, BaseException)
    assert ids(served) == [2]


@on_event_loop
async def test_an_impatient_member_does_not_end_its_neighbours_batch() -> None:
    backend, clock = GatedBackend(), Clock()
    desk = gateway(backend, clock=clock)
    hasty = asyncio.create_task(desk.ask(1, patience_seconds=SOON_SECONDS))
    patient = asyncio.create_task(desk.ask(2))
    await backend.started.acquire()
    clock.now += SOON_SECONDS
    with pytest.raises(DeadlineExceeded):
        await hasty
    backend.gate.set()
    assert ids(await patient) == [2]
    assert [call.ids for call in backend.calls] == [[1, 2]]
