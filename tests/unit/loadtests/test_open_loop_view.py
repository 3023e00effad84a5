import numpy as np
import pytest

from loadtests.latencies import Latencies
from loadtests.open_loop import Progress
from loadtests.open_loop_view import LiveLine, curve, duration, summary
from loadtests.run_result import RunResult


def result(**changed: object) -> RunResult:
    facts = {
        "generator": "open_loop",
        "scenario": "poisson",
        "protocol": "rest",
        "url": "http://127.0.0.1:8080",
        "model": "digits",
        "command": ("penstock",),
        "started_at": "2026-01-01T00:00:00+00:00",
        "seconds": 2.0,
        "sent": 400,
        "good": 398,
        "statuses": {"200": 398, "0": 2},
        "errors": {"the connection broke": 2},
        "latency": Latencies.of([0.001] * 380 + [0.25] * 18).encoded(),
        "latency_from_sent": Latencies.of([0.001] * 398).encoded(),
        "lateness": Latencies.of([0.0001] * 400).encoded(),
    }
    return RunResult.model_validate(facts | changed)


def test_the_line_adds_up_the_processes_and_draws_the_last_seconds() -> None:
    line = LiveLine(1_000, 10.0)
    line.text([Progress(1.0, 100, 90, 10, [0.001] * 90)])
    text = line.text([Progress(2.0, 100, 95, 5, [0.1] * 50), Progress(2.1, 100, 90, 10, [0.1] * 50)])
    assert text == "  2 of 10 s  185 of 1,000 answered  100/s  15 open  p50 100 ms  p99 100 ms  ▁█"


def test_a_second_without_answers_is_said_and_leaves_a_gap() -> None:
    line = LiveLine(10, 5.0)
    assert "no answer in the last second" in line.text([Progress(1.0, 5, 0, 5, [])])
    assert line.text([Progress(2.0, 5, 5, 0, [0.5])]).endswith(" ▁")


def test_a_curve_is_logarithmic() -> None:
    assert curve([0.001, 0.01, 0.1]) == "▁▄█"
    assert curve([float("nan")] * 2) == "  "


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(87e-6, "87 us"), (0.00123, "1.23 ms"), (0.9994, "999 ms"), (4.5, "4.5 s"), (1234.0, "1,234 s"), (np.nan, "-")],
)
def test_durations_have_the_unit_that_suits(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_summary_tells_latency_errors_and_lateness() -> None:
    assert summary(result(waited_for_connection=7)).splitlines() == [
        "digits over rest, poisson: 400 requests, 200.0 a second",
        "latency     p50 1 ms  p90 1 ms  p99 250 ms  p99.9 250 ms  max 250 ms  from the moment a request was due",
        "from sent   p50 1 ms  p90 1 ms  p99 1 ms  p99.9 1 ms  max 1 ms",
        "good        398 (99.500%), 199.0 a second",
        "statuses    200: 398, no answer: 2",
        "            the connection broke: 2",
        "waited      7 for a free connection, as part of their latency; more --connections would send them at once",
        "lateness    p99 100 us of the generator itself",
    ]


def test_an_invalid_run_is_called_one() -> None:
    assert summary(result(invalid_because="too slow")).endswith("INVALID     too slow")
