"""The trials of a search, best first, as a table of the report and as text. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from training.report.facts import Table
from training.search_space import Values, value_text

SHOWN = 20
FAILED = "failed"


@dataclass(frozen=True, slots=True)
class TrialResult:
    """One finished trial, counted from 1. `figure` is the objective at `best_epoch`; None, and no epochs: it failed."""

    number: int
    values: Values
    figure: float | None = None
    epochs: int = 0
    best_epoch: int = 0


def ranked(results: Sequence[TrialResult], direction: str) -> list[TrialResult]:
    """Best first by `direction` (`min` or `max`), the earlier of equals first, failed ones last."""
    sign = -1 if direction == "max" else 1
    return sorted(results, key=lambda trial: (math.inf if trial.figure is None else sign * trial.figure, trial.number))


def leaderboard(ranking: Sequence[TrialResult], objective: str, method: str) -> Table:
    """The first SHOWN of a `ranking` that has at least one trial."""
    keys = tuple(ranking[0].values)
    lasts = [key.rsplit(".", 1)[-1] for key in keys]
    names = [last if lasts.count(last) == 1 else key for key, last in zip(keys, lasts, strict=True)]
    count = f"{len(ranking)} trials" if len(ranking) <= SHOWN else f"the best {SHOWN} of {len(ranking)} trials"
    return Table(
        title=f"Search: {count}, {method}, best first",
        header=("trial", *names, objective, "best epoch", "epochs"),
        rows=tuple(_row(trial) for trial in ranking[:SHOWN]),
    )


def as_text(table: Table) -> str:
    """`table` in columns, its title above."""
    lines = (table.header, *table.rows)
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.header))]
    shown = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    return "\n".join([table.title, *shown])


def _row(trial: TrialResult) -> tuple[str, ...]:
    values = [value_text(value) for value in trial.values.values()]
    if trial.figure is None:
        return (str(trial.number), *values, FAILED, "-", "-")
    return (str(trial.number), *values, f"{trial.figure:.5g}", str(trial.best_epoch), str(trial.epochs))
