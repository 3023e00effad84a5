import numpy as np
import pytest

from loadtests.bench.errors import BenchError
from loadtests.bench.overload import peak_of
from loadtests.bench.overload_course import Course, Memory, Swept
from loadtests.bench.overload_figures import Span
from loadtests.bench.overload_tables import sweep_table
from loadtests.open_loop import OpenLoopRun


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


def test_hostile_requests_come_on_top_of_the_load_and_each_kind_in_turn() -> None:
    course = Course(5.0, 60.0, good_between=4)
    assert course.turns(b"good", [b"bad", b"worse"]) == [*[b"good"] * 4, b"bad", *[b"good"] * 4, b"worse"]
    calm, overload, after = course.phases(100)
    assert (calm.rate_per_second, overload.rate_per_second, after.rate_per_second) == (62.5, 625.0, 62.5)
    assert (course.overload.seconds, course.after.start) == (60.0, course.overload.end)


def test_a_run_is_parted_as_its_requests_were_sent_in_turn() -> None:
    status = np.array([200, 200, 400, 503, 200, 404], np.int16)
    due = np.arange(6.0)
    run = OpenLoopRun(due, due, due, due, status)
    good, hostile = Course(2.0, 8.0, good_between=2).parted(run)
    assert (good.status.tolist(), hostile.status.tolist()) == ([200, 200, 503, 200], [400, 404])
    good, hostile = Course(2.0, 8.0).parted(run)
    assert (len(good.due), len(hostile.due)) == (6, 0)


def test_the_most_memory_is_that_of_the_span() -> None:
    memory = Memory([(0.5, 400.0), (1.5, 410.0), (2.5, 430.0)])
    assert memory.most(Span(0, 2)) == 410.0
    assert np.isnan(memory.most(Span(9, 10)))
