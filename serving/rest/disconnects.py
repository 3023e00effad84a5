"""Callers who hang up: their work is cancelled instead of done for nobody.

Watching costs a task, so it starts only once a request has waited longer than nearly all do.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import Receive

from serving.errors import Cancelled

PATIENCE_SECONDS = 0.05


@contextmanager
def cancelled_on_disconnect(receive: Receive) -> Iterator[None]:
    """Cancels the block when the client goes; raises Cancelled then. The body must have been read."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    watchers: list[asyncio.Task[None]] = []
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        if task:
            task.cancel()

    timer = loop.call_later(PATIENCE_SECONDS, lambda: watchers.append(loop.create_task(watch())))
    try:
        yield
    except asyncio.CancelledError:
        if gone and task and task.uncancel() == 0:
            raise Cancelled("the client went away") from None
        raise
    finally:
        timer.cancel()
        for watcher in watchers:
            watcher.cancel()
