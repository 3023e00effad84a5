import math

import numpy as np
import pytest

from loadtests.bench.hostile import ALONE, NUMBERS, Turn, p99_ratios, turn_of, turns_table
from loadtests.open_loop import OpenLoopRun


def turn(kind: str, p99_ms: float, failed: int = 0) -> Turn:
    return Turn(kind, 1.0, p99_ms, 100, failed, 0.001, held=10, opened=12)


def test_ratios_are_taken_within_a_round() -> None:
    turns = [turn(ALONE, 2.0), turn("idle", 3.0), turn(ALONE, 4.0), turn("idle", 4.0)]
    assert p99_ratios(turns, "idle") == [1.5, 1.0]


def test_a_round_that_lacks_a_kind_is_no_ratio() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        p99_ratios([turn(ALONE, 2.0)], "idle")


def test_latencies_are_of_what_was_answered_and_the_rest_is_counted() -> None:
    due = np.array([0.0, 1.0, 2.0])
    run = OpenLoopRun(due, due, due, np.array([0.010, 1.020, math.nan]), np.array([200, 503, 0], np.int16))
    found = turn_of("silent", run, {"held": 7, "opened": 9})
    assert found.p50_ms == pytest.approx(10)
    assert (found.requests, found.failed, found.held, found.opened) == (3, 2, 7, 9)


def test_the_table_has_a_row_for_each_kind() -> None:
    table = turns_table([turn(kind, 2.0, failed=1) for kind in (ALONE, *NUMBERS)])
    assert len(table.splitlines()) == 2 + 1 + len(NUMBERS)
    assert "| 1.00 |" in table
