"""How far a large batch is, told to the caller or shown as a bar by rich, which the extra `progress` brings."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from penstock_client.bulk import TellProgress
from penstock_client.extras import bring


@contextmanager
def shown_progress(progress: bool | TellProgress, total: int | None) -> Iterator[Callable[[int], object]]:  # noqa: FBT001 - as the caller gave it
    """What is to be told the rows done so far. Raises ModuleNotFoundError with the pip command where rich is absent."""
    if callable(progress):
        yield lambda done: progress(done, total)
    elif progress:
        with _bar(total) as advance:
            yield advance
    else:
        yield lambda _done: None


@contextmanager
def _bar(total: int | None) -> Iterator[Callable[[int], object]]:
    """On standard error, so that a program's output stays its own."""
    needs, pip = "a progress bar needs rich", "'penstock-client[progress]'"
    rich, console = (bring(module, needs=needs, pip=pip) for module in ("rich.progress", "rich.console"))
    columns = (
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TextColumn("rows"),
        rich.TimeElapsedColumn(),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, console=console.Console(stderr=True)) as bar:
        task = bar.add_task("rows", total=total)
        yield lambda done: bar.update(task, completed=done)
