"""When a failed request is sent again, and after how long."""

import pytest
from penstock_client import errors
from penstock_client.errors import BackendUnavailable, ConnectionFailed, Overloaded, PenstockError, QuotaExceeded
from penstock_client.retrying import WORTH_ASKING_AGAIN, Retries, RetryBudget, wait_before_retry

FOREVER = 1e9
RETRIES = Retries(attempts=6, first_wait_seconds=0.1, longest_wait_seconds=0.5)


def waited(error: PenstockError, attempt: int = 1, *, remaining: float = FOREVER, chance: float = 1.0) -> float | None:
    return wait_before_retry(error, RETRIES, attempt=attempt, remaining_seconds=remaining, chance=chance)


def test_the_ceiling_of_the_wait_doubles_up_to_the_longest() -> None:
    waits = [waited(ConnectionFailed("down"), attempt) for attempt in range(1, 6)]
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.5, 0.5])


def test_however_many_attempts_there_were_the_wait_can_be_told() -> None:
    wait = wait_before_retry(
        ConnectionFailed("down"), Retries(attempts=10_000), attempt=9_999, remaining_seconds=FOREVER, chance=1.0
    )
    assert wait == Retries().longest_wait_seconds


@pytest.mark.parametrize("chance", [0.0, 0.25, 1.0])
def test_the_wait_is_drawn_from_nothing_to_the_ceiling(chance: float) -> None:
    assert waited(ConnectionFailed("down"), 2, chance=chance) == pytest.approx(0.2 * chance)


def test_the_gateways_wish_comes_before_the_drawn_wait() -> None:
    assert waited(Overloaded("full", retry_after_seconds=3), chance=0.0) == 3
    assert waited(Overloaded("full", retry_after_seconds=3), chance=0.5) == pytest.approx(3.05)


def test_after_the_last_attempt_nobody_waits() -> None:
    assert waited(ConnectionFailed("down"), 6) is None


def test_no_wait_goes_beyond_the_deadline() -> None:
    assert waited(BackendUnavailable("down", retry_after_seconds=2), remaining=2.0, chance=0.0) is None
    assert waited(BackendUnavailable("down", retry_after_seconds=2), remaining=2.1, chance=0.0) == 2


def test_a_quota_is_waited_for_only_where_somebody_says_how_long() -> None:
    assert waited(QuotaExceeded("used up")) is None
    assert waited(QuotaExceeded("used up", retry_after_seconds=1), chance=0.0) == 1


@pytest.mark.parametrize("name", sorted({"InvalidInput", "UnknownModel", "DeadlineExceeded", "BackendRejected"}))
def test_what_time_does_not_mend_is_not_asked_again(name: str) -> None:
    assert waited(getattr(errors, name)("no")) is None


def test_every_error_worth_it_is_one_that_the_tree_calls_so() -> None:
    assert {each.__name__ for each in WORTH_ASKING_AGAIN} == {
        "BackendOverloaded",
        "BackendUnavailable",
        "ConnectionFailed",
        "ModelNotReady",
        "Overloaded",
        "QuotaExceeded",
    }


def test_a_budget_is_spent_and_earned_by_requests() -> None:
    budget = RetryBudget(Retries(budget_most=2, budget_per_request=0.5, budget_per_second=0), now=0.0)
    assert [budget.withdraw(0.0) for _ in range(3)] == [True, True, False]
    budget.deposit()
    assert not budget.withdraw(0.0)
    budget.deposit()
    assert budget.withdraw(0.0)


def test_a_budget_is_earned_by_time_too_and_never_beyond_the_most() -> None:
    budget = RetryBudget(Retries(budget_most=2, budget_per_request=0, budget_per_second=0.5), now=0.0)
    assert [budget.withdraw(100.0) for _ in range(3)] == [True, True, False]
    assert not budget.withdraw(101.0)
    assert budget.withdraw(102.0)


@pytest.mark.parametrize(
    "wrong", [{"attempts": 0}, {"first_wait_seconds": 3.0}, {"first_wait_seconds": -1.0}, {"budget_most": -1.0}]
)
def test_figures_that_make_no_sense_are_wrong_use(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="at least"):
        Retries(**wrong)  # type: ignore[arg-type]  # attempts is whole
