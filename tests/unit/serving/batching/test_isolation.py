"""Which failed batches are cut in half, and for how long."""

import pytest

from serving.batching.events import RowSlice
from serving.batching.isolation import CALLS_EARNED, CALLS_KEPT, RetryBudget, halves
from serving.errors import (
    BackendError,
    BackendOverloaded,
    BackendRejected,
    BackendUnavailable,
    Cancelled,
    DeadlineExceeded,
    PenstockError,
)

BAD = BackendRejected("indigestible")
MEMBERS = tuple(RowSlice(request, 0, 1) for request in range(5))


def test_a_batch_rejected_for_its_data_is_halved_by_request() -> None:
    assert halves(MEMBERS, BAD, RetryBudget()) == (MEMBERS[:2], MEMBERS[2:])


def test_a_single_request_is_guilty() -> None:
    assert halves(MEMBERS[:1], BAD, RetryBudget()) == ()


@pytest.mark.parametrize(
    "error",
    [
        BackendUnavailable("gone"),
        BackendOverloaded("full"),
        BackendError("a bug"),
        DeadlineExceeded("late"),
        Cancelled("left"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_says_nothing_of_the_data_is_not_asked_again(error: PenstockError) -> None:
    assert halves(MEMBERS, error, RetryBudget()) == ()


def test_a_stream_of_bad_batches_uses_the_budget_up_and_good_calls_fill_it() -> None:
    budget = RetryBudget()
    halved = sum(bool(halves(MEMBERS, BAD, budget)) for _ in range(1_000))
    assert halved == CALLS_KEPT / 2
    for _ in range(round(2 / CALLS_EARNED) + 1):
        budget.earn()
    assert halves(MEMBERS, BAD, budget)
    assert not halves(MEMBERS, BAD, budget)


def test_a_budget_does_not_grow_beyond_what_is_kept() -> None:
    budget = RetryBudget()
    for _ in range(1_000):
        budget.earn()
    assert budget.calls == CALLS_KEPT
