"""How many users each scenario has, moment by moment."""

import pytest

from loadtests.shapes import SCENARIOS, users_at


def curve(name: str, users: int = 100, seconds: float = 100, every: float = 1) -> list[int]:
    moments = [place * every for place in range(round(seconds / every))]
    found = [users_at(SCENARIOS[name], moment, users=users, seconds=seconds) for moment in moments]
    return [each for each in found if each is not None]


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_ends_has_a_user_at_each_moment_and_reaches_all_of_them(name: str) -> None:
    scenario = SCENARIOS[name]
    assert users_at(scenario, 100, users=100, seconds=100) is None
    assert users_at(scenario, 99.999, users=100, seconds=100) is not None
    found = curve(name, seconds=100)
    assert len(found) == 100
    assert min(found) >= 1
    assert max(found) >= 99
    assert max(curve(name, users=1)) == 1


def test_steady_and_soak_have_all_users_throughout() -> None:
    assert set(curve("steady")) == set(curve("soak")) == {100}
    assert SCENARIOS["soak"].seconds > 10 * SCENARIOS["steady"].seconds


def test_ramp_rises_evenly() -> None:
    assert curve("ramp", every=10) == [1, 10, 20, 30, 40, 50, 60, 70, 80, 90]


def test_steps_are_equally_long_and_high() -> None:
    assert curve("step", every=10) == [20, 20, 40, 40, 60, 60, 80, 80, 100, 100]


def test_a_spike_comes_at_once_and_is_gone_at_once() -> None:
    assert curve("spike", every=10) == [20, 20, 20, 20, 100, 100, 20, 20, 20, 20]


def test_a_day_is_quiet_at_night_and_the_same_on_both_sides_of_noon() -> None:
    day = curve("diurnal")
    assert (day[0], day[50]) == (10, 100)
    assert day[1:50] == day[99:50:-1]
    assert day[:51] == sorted(day[:51])
