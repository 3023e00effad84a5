import numpy as np
import pytest

from loadtests.run_result import Interval
from loadtests.traces import at_rate, interval_arrivals, trace_arrivals


def test_a_trace_of_numbers_starts_at_its_first_moment() -> None:
    assert trace_arrivals("# seconds\n12.5\n\n12\n14\n").tolist() == [0.0, 0.5, 2.0]


def test_a_trace_of_objects_has_seconds_or_dates() -> None:
    assert trace_arrivals('{"at_seconds": 3}\n{"at_seconds": 4.25, "path": "/"}').tolist() == [0.0, 1.25]
    dates = '{"timestamp": "2026-01-01T00:00:00Z"}\n{"time": "2026-01-01T01:00:01.5+01:00"}'
    assert trace_arrivals(dates).tolist() == [0.0, 1.5]


@pytest.mark.parametrize("line", ["soon", "true", "{}", "[1]", "NaN", '{"at_seconds": null}'])
def test_a_line_that_is_no_moment_is_named(line: str) -> None:
    with pytest.raises(ValueError, match="line 2 of the trace"):
        trace_arrivals(f"1\n{line}")


def test_an_empty_trace_is_refused() -> None:
    with pytest.raises(ValueError, match="no moments"):
        trace_arrivals("# nothing\n")


def test_an_earlier_runs_seconds_are_repeated() -> None:
    seconds = [Interval(at_seconds=at, sent=sent, good=sent, failed=0) for at, sent in ((2.0, 5), (3.0, 0), (4.0, 7))]
    due = interval_arrivals(seconds, seed=1)
    assert np.histogram(due, [0, 1, 2, 3])[0].tolist() == [5, 0, 7]
    assert np.all(np.diff(due) >= 0)


def test_a_run_in_which_nothing_was_sent_is_refused() -> None:
    with pytest.raises(ValueError, match="no seconds"):
        interval_arrivals([], seed=1)


def test_a_trace_is_stretched_to_a_rate() -> None:
    stretched = at_rate(np.array([0.0, 1.0, 4.0]), 0.3)
    assert stretched.tolist() == [0.0, 2.5, 10.0]
    assert at_rate(np.zeros(1), 5.0).tolist() == [0.0]
