import asyncio

import pytest

from serving.backends.holds import Holds
from tests.unit.serving.batching.event_loop import on_event_loop


@on_event_loop
async def test_what_nobody_holds_is_released_at_once() -> None:
    await Holds().released("digits")


@on_event_loop
async def test_released_waits_for_the_last_holder() -> None:
    holds = Holds()
    holds.take("digits")
    holds.take("digits")
    waiting = await started(holds)
    holds.release("digits")
    await asyncio.sleep(0)
    assert not waiting.done()
    holds.release("digits")
    await waiting


@on_event_loop
async def test_other_versions_do_not_hold_this_one() -> None:
    holds = Holds()
    with holds.hold(("digits", 2)):
        await holds.released(("digits", 1))


@on_event_loop
async def test_a_failure_lets_go() -> None:
    holds = Holds()
    with pytest.raises(KeyError), holds.hold("digits"):
        raise KeyError
    await holds.released("digits")


@on_event_loop
async def test_everybody_who_waits_hears_of_it() -> None:
    holds = Holds()
    holds.take("digits")
    waiting = [await started(holds) for _ in range(3)]
    holds.release("digits")
    await asyncio.gather(*waiting)


@on_event_loop
async def test_taken_anew_before_the_waiter_woke_is_waited_for_again() -> None:
    holds = Holds()
    holds.take("digits")
    waiting = await started(holds)
    holds.release("digits")
    holds.take("digits")
    await asyncio.sleep(0)
    assert not waiting.done()
    holds.release("digits")
    await waiting


async def started(holds: Holds) -> "asyncio.Task[None]":
    """Somebody who waits for `digits`, already waiting."""
    task = asyncio.create_task(holds.released("digits"))
    await asyncio.sleep(0)
    return task
