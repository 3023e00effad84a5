"""What is drawn of a run: each line's points against the run's own figures."""

import pytest

from loadtests.latencies import Latencies
from loadtests.report.distribution import percentile_figures, percentile_line
from loadtests.report.over_time import drawable, rate_chart, stretches
from loadtests.report.scales import tail_of
from loadtests.report.server import cores_in_use
from loadtests.run_result import Interval, RunResult, ServerSample


def test_the_line_of_percentiles_is_the_histograms_own(whole: RunResult) -> None:
    points = dict(percentile_line("", "", whole.latencies).points)
    for percent in (50.0, 90.0, 99.0, 99.9):
        assert points[tail_of(percent)] == whole.latencies.percentile_seconds(percent)
    assert points[whole.latencies.count] == whole.latencies.max_seconds
    values = [y for _, y in percentile_line("", "", whole.latencies).points if y is not None]
    assert values == sorted(values)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_few_latencies_have_a_line_too(count: int) -> None:
    points = percentile_line("", "", Latencies.of([0.001 * (n + 1) for n in range(count)])).points
    slowest = max(seconds for _, seconds in points if seconds is not None)
    assert points[-1][0] == count
    assert points[-1][1] == slowest
    assert slowest == pytest.approx(0.001 * count, rel=1e-3)


def test_a_percentile_that_no_request_is_above_is_not_listed() -> None:
    names = [row[0] for row in percentile_figures([("due", Latencies.of([0.001] * 100))]).rows]
    assert names == ["50 %", "75 %", "90 %", "95 %", "99 %", "slowest", "mean"]


def interval(at: float, sent: int = 10, failed: int = 0, p99: float | None = None) -> Interval:
    return Interval(at_seconds=at, sent=sent, good=sent - failed, failed=failed, p99_seconds=p99)


def test_seconds_taken_together_add_up_and_keep_the_worst(whole: RunResult) -> None:
    intervals = tuple(interval(second, failed=second % 2, p99=second / 10) for second in range(10))
    found = stretches(whole.model_copy(update={"intervals": intervals, "seconds": 10.0}), most=4)
    assert [(one.start_seconds, one.end_seconds, one.sent, one.failed) for one in found] == [
        (0, 3, 30, 1),
        (3, 6, 30, 2),
        (6, 9, 30, 1),
        (9, 10, 10, 1),
    ]
    assert [one.p99_seconds for one in found] == [0.2, 0.5, 0.8, 0.9]


def test_a_rate_is_of_the_seconds_it_was_in(whole: RunResult) -> None:
    intervals = (interval(0), interval(1), interval(2, sent=5))
    sent, _, _ = rate_chart(whole.model_copy(update={"intervals": intervals, "seconds": 2.5})).lines
    assert sent.points == ((0.5, 10), (1.5, 10), (2.25, 10))


def test_a_last_part_too_short_for_a_rate_is_not_drawn(whole: RunResult) -> None:
    intervals = (interval(0), interval(1), interval(2, sent=1))
    assert len(drawable(whole.model_copy(update={"intervals": intervals, "seconds": 2.01}))) == 2


def test_cores_are_processor_time_over_time_and_a_restart_breaks_the_line(whole: RunResult) -> None:
    told = ((0.0, 5.0), (1.0, 6.5), (2.0, None), (3.0, 7.5), (4.0, 0.1))
    samples = tuple(ServerSample(at_seconds=at, cpu_seconds=cpu) for at, cpu in told)
    assert cores_in_use(whole.model_copy(update={"server": samples})) == ((0.5, 1.5), (2.0, 0.5), (3.5, None))
