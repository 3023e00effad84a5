import pytest

from loadtests.bench.errors import BenchError
from loadtests.bench.overload import Swept, peak_of, sweep_table


def test_the_peak_is_the_best_that_the_generator_kept_up_with() -> None:
    swept = [
        Swept(100, 90, 0.1, is_valid=True),
        Swept(110, 95, 0.1, is_valid=True),
        Swept(120, 99, 0.1, is_valid=False),
    ]
    assert peak_of(swept) == 95
    assert peak_of(swept[2:]) == 99


def test_a_sweep_without_an_answer_in_time_has_no_peak() -> None:
    with pytest.raises(BenchError, match="--deadline-ms"):
        peak_of([Swept(100, 0, float("inf"), is_valid=True)])


def test_the_sweeps_table_says_where_the_generator_fell_behind() -> None:
    table = sweep_table([Swept(100, 90, 0.0123, is_valid=True), Swept(200, 50, 0.5, is_valid=False)])
    assert table.splitlines()[2:] == ["| 100 | 90 | 12.3 | yes |", "| 200 | 50 | 500 | no |"]
