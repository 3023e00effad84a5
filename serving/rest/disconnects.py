"""Callers who hang up: their work is cancelled instead of done for nobody.

Watching costs a task, so it starts only once a request has waited longer than nearly all do; and one timer looks for
such requests, for a timer each would cost more than most of them wait.
"""

import asyncio

from starlette.types import Receive

from serving.errors import Cancelled

PATIENCE_SECONDS = 0.05


class Callers:
    """Everybody who waits for an answer now. Belongs to one event loop."""

    __slots__ = ("_loop", "_timer", "_waiting")

    def __init__(self) -> None:
        self._waiting: set[Caller] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def waiting(self, receive: Receive) -> "Caller":
        """Cancels the block that it is entered for when the caller goes, and raises Cancelled then. The body must have
        been read.
        """
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return Caller(self, receive, asyncio.current_task(self._loop))

    def add(self, caller: "Caller") -> None:
        self._waiting.add(caller)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._look)

    def remove(self, caller: "Caller") -> None:
        self._waiting.discard(caller)

    def _look(self) -> None:
        """Whoever was here at the last look, too, is watched from now on."""
        self._timer = None
        for caller in self._waiting:
            caller.looked_at()
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._look)


class Caller:
    """One caller, as a block that waits for their answer."""

    __slots__ = ("_callers", "_gone", "_looks", "_receive", "_task", "_watcher")

    def __init__(self, callers: Callers, receive: Receive, task: asyncio.Task[object] | None) -> None:
        self._callers, self._receive, self._task = callers, receive, task
        self._watcher: asyncio.Task[None] | None = None
        self._looks, self._gone = 0, False

    def __enter__(self) -> None:
        self._callers.add(self)

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._callers.remove(self)
        if self._watcher is not None:
            self._watcher.cancel()
            if self._gone and isinstance(error, asyncio.CancelledError) and self._task and self._task.uncancel() == 0:
                raise Cancelled("the client went away") from None

    def looked_at(self) -> None:
        self._looks += 1
        if self._looks == 2:
            self._watcher = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        if self._task:
            self._task.cancel()
