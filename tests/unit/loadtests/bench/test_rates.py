"""What servers at the same rates are told by."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from loadtests.bench.rates import AtRate, medians_of, rates_table, seen
from loadtests.bench.rates_chart import draw_latencies
from loadtests.open_loop import OpenLoopRun

NAN = float("nan")


def run_of(latencies: list[float], statuses: list[int], reached_late: float = 0.0) -> OpenLoopRun:
    due = np.arange(len(latencies), dtype=np.float64)
    return OpenLoopRun(due, due + reached_late, due, due + latencies, np.array(statuses, np.int16), Counter())


def test_an_answer_that_is_late_or_no_200_is_none() -> None:
    found = seen(run_of([0.001, 0.003, 1.5, 0.001, NAN], [200, 200, 200, 503, 0]), 100.0)
    assert found.good_share == pytest.approx(2 / 5)
    assert found.p50_ms == pytest.approx(3.0), "of every answer with 200, the late one too"
    assert not found.is_held
    assert found.is_valid


def test_a_run_in_which_the_generator_fell_behind_does_not_count() -> None:
    late = seen(run_of([0.1] * 10, [200] * 10, reached_late=0.02), 100.0)
    assert not late.is_valid
    assert medians_of([late]) == []


def test_medians_are_of_the_turns_at_one_rate() -> None:
    turns = [AtRate(100.0, 1.0, p50, 9.0, is_valid=True) for p50 in (1.0, 3.0, 2.0)]
    found = medians_of([*turns, AtRate(200.0, 0.5, 80.0, 900.0, is_valid=True)])
    assert [(one.per_second, one.p50_ms) for one in found] == [(100.0, 2.0), (200.0, 80.0)]


def test_the_table_says_where_a_server_could_no_more() -> None:
    table = rates_table(
        {
            "gateway": [AtRate(100.0, 1.0, 0.5, 2.0, is_valid=True), AtRate(200.0, 1.0, 0.625, 2.5, is_valid=True)],
            "other": [AtRate(100.0, 0.61, 300.0, 900.0, is_valid=True)],
        }
    )
    assert "| gateway | 0.5 / 2 | 0.625 / 2.5 |" in table
    assert "| other | 61% answered |  |" in table


def test_the_picture_takes_a_server_that_held_no_rate(tmp_path: Path) -> None:
    draw_latencies({"gateway": [(100.0, 0.5, 2.0), (200.0, 0.6, 2.5)], "other": []}, tmp_path / "rates.png")
    assert (tmp_path / "rates.png").read_bytes().startswith(b"\x89PNG")
