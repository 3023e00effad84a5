"""Where calls run: what is known of a signature decides, and nothing is assumed short."""

import pytest

from serving.backends.embedded.pace import LOOP_SECONDS, WINDOW_CALLS, Pace


def test_an_unknown_signature_does_not_fit_the_loop() -> None:
    assert Pace().seconds(1) is None
    assert not Pace().fits_the_loop(1)


def test_a_known_size_answers_for_itself() -> None:
    pace = Pace()
    pace.observe(1, LOOP_SECONDS)
    pace.observe(64, 2 * LOOP_SECONDS)
    assert pace.fits_the_loop(1)
    assert not pace.fits_the_loop(64)


@pytest.mark.parametrize(("rows", "seconds"), [(2, 0.002), (4, 0.004), (8, 0.004), (16, 0.008), (64, 0.032)])
def test_an_unknown_size_takes_no_longer_than_a_larger_one_or_many_smaller(rows: int, seconds: float) -> None:
    pace = Pace()
    pace.observe(1, 0.001)
    pace.observe(8, 0.004)
    assert pace.seconds(rows) == pytest.approx(seconds)


def test_a_model_that_became_slow_leaves_the_loop_and_one_that_recovered_returns() -> None:
    pace = Pace()
    pace.observe(1, LOOP_SECONDS / 2)
    for _ in range(2 * WINDOW_CALLS):
        pace.observe(1, LOOP_SECONDS * 4)
    assert not pace.fits_the_loop(1)
    pace.observe(1, LOOP_SECONDS / 2)
    assert pace.fits_the_loop(1)


def test_calls_that_waited_say_nothing_of_the_model() -> None:
    pace = Pace()
    for _ in range(3 * WINDOW_CALLS):
        pace.observe(1, LOOP_SECONDS / 2)
        pace.observe(1, LOOP_SECONDS * 10)
    assert pace.fits_the_loop(1)


def test_a_size_that_was_only_seen_waiting_is_judged_by_the_others() -> None:
    pace = Pace()
    pace.observe(16, LOOP_SECONDS / 4)
    pace.observe(32, LOOP_SECONDS * 10)
    assert pace.fits_the_loop(32)
    assert not pace.fits_the_loop(128)
