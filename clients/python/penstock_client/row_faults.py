"""Rows asked about together, and around those that are wrong: which to ask about next, and whose an error is.

Pure: a generator that yields the rows to ask about and is handed their predictions, or the error.
"""

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from penstock_client.errors import InvalidInput
from penstock_client.prediction import Prediction
from penstock_client.row_reading import SourceRow

_ROW = re.compile(r"/instances/(?P<row>\d+)(?P<rest>/.*)?")


@dataclass(frozen=True, slots=True)
class RowAnswer:
    """A row's prediction, or what is wrong with the row."""

    source: SourceRow
    outcome: Prediction | InvalidInput


Asking: TypeAlias = Generator[Sequence[SourceRow], Sequence[Prediction] | InvalidInput, list[RowAnswer]]


def around_faults(rows: Sequence[SourceRow], *, keep_going: bool) -> Asking:
    """An answer for every row; without `keep_going` for those up to the first wrong one.

    A request is refused as a whole for one wrong row. So what comes before that row is asked about alone, and after
    it fewer rows at a time, and twice as many after each success: many wrong rows cost a request each, a few cost
    little more than themselves. An error that names no row is looked for by halves, which also mends a request that
    was too large.
    """
    wrong = {place: row.error for place, row in enumerate(rows) if row.error is not None}
    answers: list[RowAnswer] = []
    size = len(rows)
    while (start := len(answers)) < len(rows):
        if start in wrong:
            answers.append(RowAnswer(rows[start], placed(wrong[start], rows[start])))
            if not keep_going:
                return answers
            continue
        part = rows[start : min([start + size, *(place for place in wrong if place > start)])]
        outcome = yield part
        if not isinstance(outcome, InvalidInput):
            answers += [RowAnswer(row, prediction) for row, prediction in zip(part, outcome, strict=True)]
            size *= 2
            continue
        row = _row_of(outcome, len(part))
        if row is not None:
            wrong[start + row] = outcome
        size = max(1, min(size, len(part)) // 2)
    return answers


def _row_of(error: InvalidInput, rows: int) -> int | None:
    """None where it may be any of several."""
    found = _ROW.match(error.field or "")
    named = int(found["row"]) if found else rows
    if named < rows:
        return named
    return 0 if rows == 1 else None


def placed(error: InvalidInput, row: SourceRow) -> InvalidInput:
    """The error at the row's own place, where it has one: `patients.ndjson, line 3, /age`."""
    if row.place:
        found = _ROW.match(error.field or "")
        rest = found["rest"] if found else None
        error.field = f"{row.place}, {rest}" if rest else row.place
    return error
