"""How a fit shows that it moves: a bar on a terminal, a line now and then elsewhere (a log, a pipe)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINE_EVERY_EPOCHS = 10


@dataclass(frozen=True, slots=True)
class EpochReport:
    """What an epoch came to; `metric` is the name of what people read beside the losses."""

    epoch: int
    loss: float
    validation_loss: float
    metric: str
    validation_metric: float

    def __str__(self) -> str:
        validation = f"{self.validation_loss:.4g} ({self.metric} {self.validation_metric:.4g})"
        return f"loss {self.loss:.4g}, validation {validation}"


Tell: TypeAlias = Callable[[EpochReport], None]


@contextmanager
def progress(console: Console, epochs: int) -> Iterator[Tell]:
    """Yields what to call at the end of each epoch. The time left is to the last epoch; stopping early is sooner."""
    if not console.is_terminal:
        yield lambda report: _line(console, report, epochs)
        return
    columns = (
        TextColumn("epoch"),
        MofNCompleteColumn(),
        BarColumn(bar_width=16),  # the rest of 80 columns is the figures'
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=epochs)
        yield lambda report: bar.update(task, completed=report.epoch, description=str(report))


def _line(console: Console, report: EpochReport, epochs: int) -> None:
    if report.epoch == 1 or report.epoch % LINE_EVERY_EPOCHS == 0:
        console.print(f"epoch {report.epoch}/{epochs}  {report}", highlight=False, soft_wrap=True)
