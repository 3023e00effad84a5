"""How far a large batch is, told to the caller or shown as a bar by rich, which the extra `progress` brings."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module

from penstock_client.bulk import TellProgress


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
    try:
        rich, console = import_module("rich.progress"), import_module("rich.console")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("a progress bar needs rich: pip install 'penstock-client[progress]'") from error
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
