"""A run on the terminal."""

from io import StringIO
from math import nan

import pytest
from rich.console import Console

from loadtests.live_view import LiveView, clock, sparkline
from loadtests.locust_process import Told


def shown(view: LiveView) -> str:
    console = Console(file=StringIO(), width=100)
    console.print(view)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def told(*, failed: int = 0, p50_seconds: float = 0.0021) -> Told:
    return Told(12.4, 20, 1_960.0, p50_seconds, 0.0052, 0.0131, 2_400, failed)


def test_it_shows_users_rate_percentiles_errors_and_the_time_left() -> None:
    view = LiveView("steady: digits", 60)
    assert "starting" in shown(view)
    view.tell(told(failed=24))
    text = shown(view)
    for part in (
        "steady: digits",
        "0:48 left of 1:00",
        "20",
        "1,960/s",
        "2.10 ms",
        "5.20 ms",
        "13.10 ms",
        "24 (1.00%)",
    ):
        assert part in text


def test_before_the_first_answer_there_are_no_percentiles() -> None:
    view = LiveView("steady: digits", 60)
    view.tell(told(p50_seconds=nan))
    assert "p50    - " in shown(view)


def test_a_panel_keeps_its_width_over_a_long_run() -> None:
    view = LiveView("soak: digits", 3_600)
    for _ in range(500):
        view.tell(told())
    assert "…" not in shown(view)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.2, "1:00"), (61, "1:01"), (-3, "0:00")])
def test_a_clock_has_minutes_and_seconds(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_bars_are_from_nothing_to_the_highest() -> None:
    assert sparkline([0, 1, 2, nan, 4]) == "▁▃▅ █"
    assert sparkline([]) == ""
    assert sparkline([0, 0]) == "▁▁"
