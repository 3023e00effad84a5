import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.backends.tfserving.replicas import (
    EJECT_AFTER_FAILURES,
    FIRST_EJECTION_SECONDS,
    LONGEST_EJECTION_SECONDS,
    RETRIES_KEPT,
    RetryBudget,
    Standing,
    pick,
)


@dataclass(eq=False)
class Replica:
    standing: Standing = field(default_factory=Standing)


def eject(standing: Standing, now: float) -> None:
    assert [standing.failed(now) for _ in range(EJECT_AFTER_FAILURES)][-1]


def test_the_one_with_the_fewest_calls_under_way_is_picked() -> None:
    replicas = [Replica(), Replica(), Replica()]
    for replica, in_flight in zip(replicas, (2, 1, 3), strict=True):
        replica.standing.in_flight = in_flight
    assert pick(replicas, 0.0, 1) is replicas[1]


@given(st.integers(1, 6), st.integers(1, 5))
def test_equals_take_turns(replicas: int, rounds: int) -> None:
    fleet, numbers = [Replica() for _ in range(replicas)], itertools.count(1)
    picked = [pick(fleet, 0.0, next(numbers)) for _ in range(replicas * rounds)]
    assert [fleet.index(each) for each in picked if each] == list(range(replicas)) * rounds


def test_an_outlier_is_left_alone_and_the_others_do_its_work() -> None:
    bad, good = Replica(), Replica()
    eject(bad.standing, 10.0)
    good.standing.in_flight = 50
    assert pick([bad, good], 10.0, 1) is good
    assert pick([bad, good], 10.0 + FIRST_EJECTION_SECONDS, 2) is bad


def test_an_answer_in_between_is_no_row_of_failures() -> None:
    standing = Standing()
    for _ in range(10):
        assert not standing.failed(0.0)
        standing.answered()
    assert standing.takes_calls(0.0)


def test_back_from_ejection_it_gets_one_call_until_that_is_answered() -> None:
    standing = Standing()
    eject(standing, 0.0)
    assert not standing.takes_calls(FIRST_EJECTION_SECONDS - 0.1)
    assert standing.takes_calls(FIRST_EJECTION_SECONDS)
    standing.in_flight = 1
    assert not standing.takes_calls(FIRST_EJECTION_SECONDS)
    standing.answered()
    assert standing.takes_calls(FIRST_EJECTION_SECONDS)


def test_the_pause_doubles_with_every_trial_that_fails_and_starts_anew_after_an_answer() -> None:
    standing, now, pauses = Standing(), 0.0, []
    eject(standing, now)
    for _ in range(8):
        start = now
        while not standing.takes_calls(now):
            now += 0.5
        pauses.append(now - start)
        assert standing.failed(now)
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, LONGEST_EJECTION_SECONDS, LONGEST_EJECTION_SECONDS, 30.0]
    standing.answered()
    eject(standing, now)
    assert standing.takes_calls(now + FIRST_EJECTION_SECONDS)


def test_calls_that_were_under_way_when_it_was_ejected_do_not_prolong_it() -> None:
    standing = Standing()
    eject(standing, 0.0)
    assert not standing.failed(0.5)
    assert standing.takes_calls(FIRST_EJECTION_SECONDS)


def test_where_all_are_ejected_all_are_asked() -> None:
    fleet = [Replica(), Replica()]
    for replica in fleet:
        eject(replica.standing, 0.0)
    fleet[0].standing.in_flight = 1
    assert pick(fleet, 0.0, 1) is fleet[1]


def test_nobody_is_picked_from_nobody() -> None:
    assert pick([], 0.0, 1) is None


@pytest.mark.parametrize("fraction", [0.1, 0.25])
def test_retries_stay_a_fraction_of_all_calls(fraction: float) -> None:
    budget, retries = RetryBudget(fraction), 0
    for _ in range(10_000):
        budget.earn()
        retries += budget.spend()
    assert retries == pytest.approx(10_000 * fraction + RETRIES_KEPT, abs=1)


def test_a_budget_of_nothing_never_retries() -> None:
    budget = RetryBudget(0.0)
    budget.earn()
    assert not budget.spend()


def test_an_idle_budget_saves_no_more_than_it_keeps() -> None:
    budget = RetryBudget(0.1)
    for _ in range(10_000):
        budget.earn()
    assert sum(budget.spend() for _ in range(1000)) == RETRIES_KEPT
