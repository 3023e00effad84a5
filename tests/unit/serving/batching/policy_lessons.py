"""Cores that have learned what calls take, for the tests of the rules."""

from collections.abc import Callable

from serving.batching.events import Reject, Submission
from serving.batching.policy import BatchingCore
from serving.errors import Overloaded
from tests.unit.serving.batching.cores import (
    answered_after,
    new_core,
    submission,
)

START = 100.0
"""When the tests begin: what was learned before is fresh still."""


def one_second(_: int) -> float:
    return 1.0


def a_second_a_row(rows: int) -> float:
    return float(rows)


def learned(
    seconds: Callable[[int], float] = one_second, *, model: str = "digits", max_rows: int = 10**6
) -> BatchingCore:
    """An idle core whose calls of 1 to 4 rows took as long as `seconds` says."""
    core = new_core(max_rows=max_rows)
    teach(core, seconds, model)
    return core


def teach(core: BatchingCore, seconds: Callable[[int], float], model: str) -> None:
    now = START - 40.0
    for number, rows in enumerate([1, 1, 2, 2, 3, 4, 4]):
        answered_after(core, submission(-1 - number, rows, model=model), seconds, now)
        now += 5.0
    answered_after(core, submission(-9, 4, model=model), seconds, START - seconds(4))


def refused(core: BatchingCore, one: Submission, now: float = START) -> Overloaded | None:
    """The Overloaded that a submission gets, None when it is admitted."""
    for action in core.submit(one, now):
        if isinstance(action, Reject) and action.request == one.request:
            assert isinstance(action.error, Overloaded)
            return action.error
    return None
