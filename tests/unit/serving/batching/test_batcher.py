"""The asyncio shell around the core: who shares a batch, whose rows are whose, and backends that misbehave."""

import asyncio
from random import Random

import numpy as np
import pytest

from serving.backend_protocol import Arrays, Target
from serving.backends.in_memory import Turn
from serving.contract.tensors import Array
from serving.errors import (
    BackendError,
    BackendRejected,
    BackendUnavailable,
    InvalidInput,
    Overloaded,
    PayloadTooLarge,
)
from tests.unit.serving.batching.batcher_parts import (
    DIGITS,
    FACES,
    Clock,
    GatedBackend,
    gateway,
    ids,
    in_memory,
    open_backend,
)
from tests.unit.serving.batching.event_loop import on_event_loop


@on_event_loop
async def test_requests_of_one_loop_turn_ride_one_batch() -> None:
    desk = gateway(open_backend(), max_batch_rows=8)
    answers = await asyncio.gather(*(desk.ask(10 * n, 2) for n in range(4)))
    assert [ids(answer) for answer in answers] == [[0, 1], [10, 11], [20, 21], [30, 31]]
    assert desk.tally.rows == [8]


@on_event_loop
async def test_whoever_comes_while_the_slot_is_taken_shares_the_next_batch() -> None:
    backend = GatedBackend()
    desk = gateway(backend, max_batch_rows=8)
    async with asyncio.TaskGroup() as group:
        group.create_task(desk.ask(0))
        await backend.started.acquire()
        for n in range(3):
            group.create_task(desk.ask(n))
            await asyncio.sleep(0)
        backend.gate.set()
    assert desk.tally.rows == [1, 3]


@on_event_loop
async def test_models_do_not_share_a_batch() -> None:
    backend = open_backend()
    desk = gateway(backend, slots=2)
    await asyncio.gather(desk.ask(1), desk.ask(2, target=FACES), desk.ask(3))
    assert [(call.target, call.ids) for call in backend.calls] == [(DIGITS, [1, 3]), (FACES, [2])]


@on_event_loop
async def test_rows_return_to_their_owners() -> None:
    random = Random(5)
    sizes = [random.randint(1, 40) for _ in range(500)]
    backend = await in_memory(*(Turn(delay_seconds=random.choice([0.0, 0.0005, 0.002])) for _ in range(1_000)))
    desk = gateway(backend, max_batch_rows=16, slots=3)
    answers = await asyncio.gather(*(desk.ask(1_000 * n, rows) for n, rows in enumerate(sizes)))
    expected = [list(range(1_000 * n, 1_000 * n + rows)) for n, rows in enumerate(sizes)]
    assert [ids(answer) for answer in answers] == expected
    assert sum(desk.tally.rows) == sum(sizes)
    assert max(desk.tally.rows) == 16
    assert desk.idle


@on_event_loop
async def test_a_model_of_fixed_sizes_is_called_with_those_alone() -> None:
    backend = open_backend()
    desk = gateway(backend, max_batch_rows=8)
    answers = await asyncio.gather(*(desk.ask(10 * n, 3, allowed_batch_rows=(1, 4, 6)) for n in range(3)))
    assert [ids(answer) for answer in answers] == [[0, 1, 2], [10, 11, 12], [20, 21, 22]]
    assert [call.ids for call in backend.calls] == [[0, 1, 2, 10, 11, 12], [20, 21, 22, 22]]
    assert desk.tally.rows == [6, 3]


@on_event_loop
async def test_a_large_request_is_put_together_again() -> None:
    desk = gateway(open_backend(), max_batch_rows=4, slots=2)
    answer = await desk.ask(7, 10)
    assert ids(answer) == list(range(7, 17))
    assert sorted(desk.tally.rows) == [2, 4, 4]


@on_event_loop
async def test_a_backend_failure_ends_only_its_batch() -> None:
    desk = gateway(await in_memory(Turn(error=BackendUnavailable("nobody answers"))), max_batch_rows=2)
    one, two, three = await asyncio.gather(desk.ask(1), desk.ask(2), desk.ask(3), return_exceptions=True)
    assert isinstance(one, BackendUnavailable)
    assert isinstance(two, BackendUnavailable)
    assert not isinstance(three, BaseException)
    assert ids(three) == [3]


@pytest.mark.parametrize("fault", [KeyError("a bug"), TimeoutError("its own"), asyncio.CancelledError("gave up")])
@on_event_loop
async def test_an_unforeseen_exception_is_a_backend_error_and_the_batcher_lives_on(fault: BaseException) -> None:
    backend = open_backend()
    desk = gateway(backend)
    backend.fault = fault
    with pytest.raises(BackendError):
        await desk.ask(1)
    backend.fault = None
    assert ids(await desk.ask(2)) == [2]


@pytest.mark.parametrize("outputs", [None, {"y": [1.0]}, {"y": np.float64(1.0)}, {"y": np.zeros(7)}])
@on_event_loop
async def test_outputs_that_are_no_rows_end_their_batch_and_free_its_slot(outputs: dict[str, Array]) -> None:
    backend = await in_memory()
    desk = gateway(backend)
    backend.run = lambda _target, _inputs: outputs
    with pytest.raises(BackendError):
        await desk.ask(1)
    assert desk.idle


@on_event_loop
async def test_outputs_that_change_their_shape_between_parts_are_refused() -> None:
    backend = await in_memory()
    backend.run = lambda _target, inputs: {"y": np.zeros((len(inputs["ids"]), len(inputs["ids"])))}
    desk = gateway(backend, max_batch_rows=4)
    with pytest.raises(BackendRejected, match="between two parts"):
        await desk.ask(1, 6)
    assert desk.idle


@on_event_loop
async def test_a_full_queue_says_when_to_come_back() -> None:
    backend = open_backend()
    desk = gateway(backend, max_batch_rows=2, max_rows=4)
    await desk.ask(0, 2)  # from here on the speed is known
    backend.gate.clear()
    waiting = [asyncio.create_task(desk.ask(n, 2)) for n in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded) as caught:
        await desk.ask(9)
    assert caught.value.retry_after_seconds > 0
    backend.gate.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome).__name__ for outcome in outcomes] == ["Answer", "Answer", "Overloaded"]


@pytest.mark.parametrize(("rows", "error"), [(0, InvalidInput), (5, PayloadTooLarge)])
@on_event_loop
async def test_what_no_queue_could_take_is_refused_at_the_door(rows: int, error: type[Exception]) -> None:
    desk = gateway(open_backend(), max_rows=4)
    with pytest.raises(error):
        await desk.ask(1, rows)
    assert desk.idle


@on_event_loop
async def test_close_waits_for_what_is_still_queued() -> None:
    backend = GatedBackend()
    desk = gateway(backend, max_batch_rows=1)
    callers = [asyncio.create_task(desk.ask(n)) for n in range(2)]
    await backend.started.acquire()
    closing = asyncio.create_task(desk.batcher.close())
    desk.tally.then = backend.gate.clear  # the second call is held up again
    backend.gate.set()
    assert ids(await callers[0]) == [0]
    await backend.started.acquire()
    await turns(5)
    assert not closing.done()
    backend.gate.set()
    await closing
    assert ids(await callers[1]) == [1]
    assert desk.idle


@on_event_loop
async def test_close_waits_for_who_came_in_this_very_turn() -> None:
    desk = gateway(open_backend())
    caller = asyncio.create_task(desk.ask(1))
    await asyncio.sleep(0)
    await desk.batcher.close()
    assert desk.idle
    assert ids(await caller) == [1]


@on_event_loop
async def test_calls_that_answer_at_once_give_everybody_their_own() -> None:
    backend = await in_memory()
    backend.at_once = True
    desk = gateway(backend, max_batch_rows=4)
    answers = await asyncio.gather(*(desk.ask(10 * n, n) for n in range(1, 8)))
    assert [ids(answer) for answer in answers] == [list(range(10 * n, 11 * n)) for n in range(1, 8)]
    assert desk.idle


@on_event_loop
async def test_a_bad_request_among_calls_that_answer_at_once_fails_alone() -> None:
    backend = await in_memory()
    backend.at_once = True

    def echo_but_three(_: Target, inputs: Arrays) -> dict[str, Array]:
        if 3 in inputs["ids"]:
            raise BackendRejected("three")
        return dict(inputs)

    backend.run = echo_but_three
    desk = gateway(backend, max_batch_rows=8)
    answers = await asyncio.gather(*(desk.ask(n) for n in range(8)), return_exceptions=True)
    assert [isinstance(answer, BackendRejected) for answer in answers] == [n == 3 for n in range(8)]
    assert desk.idle


@on_event_loop
async def test_a_receipt_says_where_the_time_went() -> None:
    backend, clock = GatedBackend(), Clock()
    desk = gateway(backend, clock=clock)
    first = asyncio.create_task(desk.ask(1, 3))
    await backend.started.acquire()
    second = asyncio.create_task(desk.ask(2, 2))
    await asyncio.sleep(0)
    clock.now += 5.0
    backend.gate.set()
    receipts = [(await first).receipt, (await second).receipt]
    assert [(r.queue_seconds, r.backend_seconds, r.batch_rows) for r in receipts] == [(0.0, 5.0, 3), (5.0, 0.0, 2)]


@on_event_loop
async def test_the_observer_hears_of_each_batch_and_of_each_wait_once() -> None:
    desk = gateway(open_backend(), max_batch_rows=4, clock=Clock())
    await asyncio.gather(desk.ask(1, 6), desk.ask(2))
    assert desk.tally.rows == [4, 3]
    assert desk.tally.queue_seconds == [[0.0], [0.0]]


@on_event_loop
async def test_the_oldest_age_is_that_of_whoever_waits_longest_for_a_slot() -> None:
    backend, clock = GatedBackend(), Clock()
    desk = gateway(backend, clock=clock)
    callers = []
    for n in range(3):
        callers.append(asyncio.create_task(desk.ask(n, 4)))
        await asyncio.sleep(0)
        clock.now += 1.0
    assert desk.batcher.oldest_age_seconds(clock.now) == 2.0
    backend.gate.set()
    await asyncio.gather(*callers)
    assert desk.batcher.oldest_age_seconds(clock.now) == 0.0


async def turns(count: int) -> None:
    """Let everybody else have their turn of the loop, so often."""
    for _ in range(count):
        await asyncio.sleep(0)
