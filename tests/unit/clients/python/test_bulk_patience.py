"""A large batch before a full gateway: how long its requests wait for their turn."""

from collections.abc import Callable, Iterator
from itertools import islice

import pytest
from penstock_client.bulk_patience import PATIENCE_SECONDS, patient
from penstock_client.errors import BackendUnavailable, Overloaded, PenstockError
from penstock_client.retrying import Retries
from penstock_client.steps import Pause, Steps

RETRIES = Retries(first_wait_seconds=1.0, longest_wait_seconds=4.0)


def refusing(*errors: PenstockError) -> Callable[[], Steps[str]]:
    """Raises each in turn, and is answered after the last."""
    left = list(errors)

    def ask() -> Steps[str]:
        yield from ()
        if left:
            raise left.pop(0)
        return "answered"

    return ask


def waits(steps: Iterator[object]) -> list[float]:
    found: list[float] = []
    for step in steps:
        assert isinstance(step, Pause)
        found.append(step.seconds)
    return found


def test_a_refused_request_waits_longer_and_longer_for_its_turn() -> None:
    assert waits(patient(refusing(*[Overloaded("full")] * 5), RETRIES, lambda: 0.5)) == [0.5, 1.0, 2.0, 2.0, 2.0]


def test_what_the_gateway_asks_for_comes_on_top() -> None:
    full = Overloaded("full", retry_after_seconds=3.0)
    assert waits(patient(refusing(full), RETRIES, lambda: 0.5)) == [3.5]


def test_no_wait_without_a_refusal() -> None:
    assert waits(patient(refusing(), RETRIES, lambda: 0.5)) == []


def test_patience_ends() -> None:
    full = Overloaded("full", retry_after_seconds=PATIENCE_SECONDS / 2)
    with pytest.raises(Overloaded):
        waits(patient(refusing(full, full, full), RETRIES, lambda: 0.0))


def test_patience_ends_also_for_retries_that_never_wait() -> None:
    def full() -> Steps[str]:
        yield from ()
        raise Overloaded("full")

    at_once = Retries(first_wait_seconds=0.0, longest_wait_seconds=0.0)
    steps = islice(patient(full, at_once, lambda: 1.0), 100_000)
    with pytest.raises(Overloaded):
        waits(steps)


def test_other_errors_are_raised_at_once() -> None:
    with pytest.raises(BackendUnavailable):
        waits(patient(refusing(BackendUnavailable("gone")), RETRIES, lambda: 0.0))
