"""Async tests without a plugin: `@on_event_loop` runs one to its end and lets nothing fail unseen."""

import asyncio
import functools
import gc
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec

P = ParamSpec("P")
HUNG_SECONDS = 30.0
"""A story that takes longer waits for something that never comes."""


def on_event_loop(story: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """`story` as a plain test; it fails too for what only the loop hears of, such as exceptions never retrieved."""

    @functools.wraps(story)
    def test(*args: P.args, **kwargs: P.kwargs) -> None:
        unseen: list[dict[str, Any]] = []

        async def run() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
            async with asyncio.timeout(HUNG_SECONDS):
                await story(*args, **kwargs)
            gc.collect()  # futures complain when they are freed

        asyncio.run(run())
        assert unseen == []

    return test
