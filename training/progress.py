"""How a fit shows that it moves: a bar on a terminal, a line now and then elsewhere (a log, a pipe)."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

LINE_EVERY_EPOCHS = 10
LINE_EVERY_SECONDS = 30.0
"""In a log, where epochs are long: often enough to see that it moves."""


@dataclass(frozen=True, slots=True)
class StepReport:
    """Within an epoch: `step` of `steps` (None in a first epoch whose length is not known), mean loss so far."""

    epoch: int
    step: int
    steps: int | None
    loss: float


@dataclass(frozen=True, slots=True)
class EpochReport:
    """What an epoch came to; `metric` is the name of what people read beside the losses.

    Where there is no validation split, `validation_loss` is None and `validation_metric` the training rows'.
    """

    epoch: int
    loss: float
    validation_loss: float | None
    metric: str
    validation_metric: float

    def __str__(self) -> str:
        metric = f"({self.metric} {self.validation_metric:.4g})"
        if self.validation_loss is None:
            return f"loss {self.loss:.4g} {metric}"
        return f"loss {self.loss:.4g}, validation {self.validation_loss:.4g} {metric}"


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Ctrl-C ends the fit in `epoch`."""

    epoch: int

    def __str__(self) -> str:
        return (
            f"interrupted in epoch {self.epoch}: going on with the best weights so far;"
            " Ctrl-C again ends without publishing"
        )


Report: TypeAlias = StepReport | EpochReport | Interrupted
Tell: TypeAlias = Callable[[Report], None]


@contextmanager
def progress(console: Console, epochs: int, clock: Callable[[], float] = time.monotonic) -> Iterator[Tell]:
    """Yields what to call with each report. The time left is to the last epoch; stopping early is sooner."""
    if not console.is_terminal:
        yield _Lines(console, epochs, clock).tell
        return
    columns = (
        TextColumn("epoch {task.fields[at]}"),
        BarColumn(bar_width=10),  # the rest of 80 columns is the figures'
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        yield _Bar(bar, bar.add_task("", total=None, at=f"0/{epochs}"), epochs).tell


class _Bar:
    """A bar over the steps of all epochs."""

    def __init__(self, bar: Progress, task: TaskID, epochs: int) -> None:
        self._bar, self._task, self._epochs = bar, task, epochs
        self._figures = ""
        self._steps = 1

    def tell(self, report: Report) -> None:
        if isinstance(report, Interrupted):
            self._bar.console.print(str(report), highlight=False, soft_wrap=True)
        elif isinstance(report, EpochReport):
            self._figures = str(report)
            self._show(report.epoch, self._steps, self._figures)
        else:
            self._steps = report.steps or report.step
            told = self._figures or f"loss {report.loss:.4g}"
            self._show(report.epoch, report.step, told)

    def _show(self, epoch: int, step: int, told: str) -> None:
        self._bar.update(
            self._task,
            total=self._epochs * self._steps,
            completed=(epoch - 1) * self._steps + step,
            description=told,
            at=f"{epoch}/{self._epochs} {step}/{self._steps}",
        )


class _Lines:
    """A line for the first epoch, each tenth, and whenever LINE_EVERY_SECONDS have passed without one."""

    def __init__(self, console: Console, epochs: int, clock: Callable[[], float]) -> None:
        self._console, self._epochs, self._clock = console, epochs, clock
        self._last = clock()

    def tell(self, report: Report) -> None:
        if isinstance(report, Interrupted):
            self._print(str(report))
        elif isinstance(report, EpochReport):
            if report.epoch == 1 or report.epoch % LINE_EVERY_EPOCHS == 0 or self._is_time():
                self._print(f"epoch {report.epoch}/{self._epochs}  {report}")
        elif self._is_time():
            steps = f"{report.step}/{report.steps}" if report.steps else f"{report.step}"
            self._print(f"epoch {report.epoch}/{self._epochs}  step {steps}  loss {report.loss:.4g}")

    def _is_time(self) -> bool:
        return self._clock() - self._last >= LINE_EVERY_SECONDS

    def _print(self, line: str) -> None:
        self._last = self._clock()
        self._console.print(line, highlight=False, soft_wrap=True)
