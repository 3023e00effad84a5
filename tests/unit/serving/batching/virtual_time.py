"""An event loop whose time passes at once: hours of waiting take as long as the work between them."""

import asyncio
import functools
import gc
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """When nothing is ready it moves its clock to the next timer; without a timer it says that all wait forever."""

    def __init__(self) -> None:
        self.now_seconds = 0.0
        super().__init__(_Leaper(self))

    def time(self) -> float:
        return self.now_seconds


class _Leaper(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("everybody waits for something that never comes")
        if timeout == 0:
            return []  # callbacks are ready, and there is nothing here that sockets could tell
        self._loop.now_seconds += max(0.0, timeout)
        return super().select(0)


def run_in_virtual_time(story: Coroutine[Any, Any, T]) -> T:
    """What `story` returns; it fails too for what only the loop hears of, such as exceptions never retrieved."""
    unseen: list[dict[str, Any]] = []

    async def run() -> T:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
        told = await story
        gc.collect()  # futures complain when they are freed
        return told

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        told = runner.run(run())
    assert unseen == []
    return told


def in_virtual_time(story: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """`story` as a plain test."""

    @functools.wraps(story)
    def test(*args: P.args, **kwargs: P.kwargs) -> None:
        run_in_virtual_time(story(*args, **kwargs))

    return test
