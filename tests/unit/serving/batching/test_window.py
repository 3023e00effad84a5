"""Who is left behind when a batch is put together."""

import pytest

from serving.batching.window import MEASURED_BATCHES, Flux, Verdict, rows_in_time, verdict


@pytest.mark.parametrize("overloaded", [True, False])
def test_who_cannot_finish_even_alone_is_dropped(overloaded: bool) -> None:  # noqa: FBT001 - a case
    assert verdict(alone_seconds=2.0, left_seconds=1.9, overloaded=overloaded) is Verdict.LATE_ANYHOW


def test_under_overload_the_window_slides_past_and_else_the_batch_is_cut() -> None:
    assert verdict(1.0, 1.9, overloaded=True) is Verdict.SLID_PAST
    assert verdict(1.0, 1.9, overloaded=False) is Verdict.CUT


def test_rows_in_time() -> None:
    def seconds(rows: int) -> float:
        return 1.0 + rows

    assert [rows_in_time(left, 8, seconds) for left in (1.5, 2.0, 5.4, 9.0, 100.0)] == [0, 1, 4, 8, 8]


@pytest.mark.parametrize(
    ("arrived", "sent", "seconds", "rising"),
    [(30, 20, MEASURED_BATCHES, True), (20, 30, MEASURED_BATCHES, False), (30, 20, MEASURED_BATCHES - 0.1, False)],
    ids=["more come", "more go", "too short a time to tell"],
)
def test_more_rows_coming_than_going_is_overload(arrived: int, sent: int, seconds: float, rising: bool) -> None:  # noqa: FBT001 - a case
    flux = Flux(0.0)
    flux.arrived_rows, flux.sent_rows = arrived, sent
    flux.measure(seconds, batch_seconds=1.0)
    assert flux.is_rising is rising


def test_each_comparison_begins_anew() -> None:
    flux = Flux(0.0)
    flux.arrived_rows = 100
    flux.measure(10.0, batch_seconds=1.0)
    flux.sent_rows = 10
    flux.measure(20.0, batch_seconds=1.0)
    assert not flux.is_rising
