"""What a gateway does beside requests."""

import asyncio
import logging

import pytest

from serving.gateway import keep_doing


def test_work_that_fails_is_told_of_once_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    turns, done = 0, asyncio.Event()

    async def work() -> None:
        nonlocal turns
        turns += 1
        if turns == 6:
            done.set()
        if turns in {1, 2, 4}:
            raise OSError(f"turn {turns}")

    async def within() -> None:
        task = asyncio.create_task(keep_doing(work, 0.0))
        await asyncio.wait_for(done.wait(), 20)
        task.cancel()

    with caplog.at_level(logging.ERROR, "serving.gateway"):
        asyncio.run(within())
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["turn 1", "turn 4"]
