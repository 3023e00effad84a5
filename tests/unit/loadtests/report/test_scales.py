"""Places and marks of an axis."""

import math

import pytest

from loadtests.report.scales import linear_scale, logarithmic_scale, percentile_scale, tail_of, time_scale, value_scale
from loadtests.report.words import brief, digits, duration, share, size


def test_a_linear_axis_begins_at_0_and_ends_at_a_round_number() -> None:
    scale = linear_scale(93.0, digits)
    assert [tick.label for tick in scale.ticks] == ["0", "20", "40", "60", "80", "100"]
    assert (scale.place(0), scale.place(50), scale.place(100), scale.place(1e9)) == (0, 0.5, 1, 1)


def test_an_axis_of_time_ends_where_the_run_does() -> None:
    scale = time_scale(90 * 60.0, 60.0, digits)
    assert scale.place(90 * 60.0) == 1
    assert [tick.label for tick in scale.ticks] == ["0", "20", "40", "60", "80"]


def test_each_further_nine_takes_the_same_room() -> None:
    scale = percentile_scale(10_000)
    places = [scale.place(tail_of(percent)) for percent in (0.0, 90.0, 99.0, 99.9, 99.99)]
    assert places == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert [tick.label for tick in scale.ticks] == ["50 %", "90 %", "99 %", "99.9 %", "99.99 %"]


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_handful_of_requests_has_an_axis_too(count: int) -> None:
    assert percentile_scale(count).place(1.0) == 0


def test_a_logarithmic_axis_holds_all_its_values() -> None:
    scale = logarithmic_scale(0.0013, 7.4, duration)
    assert (scale.low, scale.high) == pytest.approx((0.001, 10))
    assert scale.place(0.1) == pytest.approx(0.5)
    assert scale.place(0.0) == 0


def test_values_far_apart_take_a_logarithmic_axis() -> None:
    assert value_scale([0.001, 1.0], duration).is_logarithmic
    assert not value_scale([0.5, 1.0], duration).is_logarithmic
    assert not value_scale([], duration).is_logarithmic


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (duration(0.0012345), "1.23 ms"),
        (duration(0.0009999), "1 ms"),
        (duration(0.00051), "510 µs"),
        (duration(12.34), "12.3 s"),
        (duration(math.nan), "-"),
        (share(1e-6), "< 0.01 %"),
        (share(0.99999), "99.99 %"),
        (share(1.0), "100 %"),
        (size(410 << 20), "410 MiB"),
        (size(0), "0 bytes"),
        (digits(1234567), "1,234,567"),
        (brief("1.50 ms"), "1.5 ms"),
        (brief("0.500"), "0.5"),
        (brief("100 ms"), "100 ms"),
        (brief("2.00 s"), "2 s"),
    ],
)
def test_figures_have_three_digits_and_their_unit(told: str, wanted: str) -> None:
    assert told == wanted
