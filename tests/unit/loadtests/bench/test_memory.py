import pytest

from loadtests.bench.errors import BenchError
from loadtests.bench.memory import Reading, growth_percent, marks, memory


def test_memory_is_read_at_both_ends_and_evenly_between() -> None:
    assert marks(10_000, 1_000_000, 2) == [10_000, 340_000, 670_000, 1_000_000]


def test_growth_is_of_the_last_reading_over_the_first() -> None:
    readings = [Reading(1, 0, 400.0), Reading(2, 0, 500.0), Reading(3, 0, 410.0)]
    assert growth_percent(readings) == pytest.approx(2.5)


def test_a_first_reading_after_the_last_is_refused() -> None:
    with pytest.raises(BenchError, match="--first"):
        memory(["--first", "10", "--requests", "10"])
