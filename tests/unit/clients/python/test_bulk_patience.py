"""A large batch before a full gateway: how long its requests wait for their turn."""

from collections.abc import Callable
from itertools import islice

import pytest
from penstock_client.bulk_patience import PATIENCE_SECONDS, patient
from penstock_client.errors import BackendUnavailable, Overloaded, PenstockError
from penstock_client.in_process import FakeClock
from penstock_client.retrying import Retries
from penstock_client.steps import Pause, Steps

RETRIES = Retries(first_wait_seconds=1.0, longest_wait_seconds=4.0)
MOST_STEPS = 10_000


def refusing(*errors: PenstockError) -> Callable[[], Steps[str]]:
    """Raises each in turn, and is answered after the last."""
    left = list(errors)

    def ask() -> Steps[str]:
        yield from ()
        if left:
            raise left.pop(0)
        return "answered"

    return ask


def waits(
    ask: Callable[[], Steps[str]], chance: float, *, retries: Retries = RETRIES, clock: FakeClock | None = None
) -> list[float]:
    clock = clock or FakeClock()
    found: list[float] = []
    for step in islice(patient(ask, retries, chance=lambda: chance, now=clock.now), MOST_STEPS):
        assert isinstance(step, Pause)
        clock.sleep(step.seconds)
        found.append(step.seconds)
    return found


def test_a_refused_request_waits_longer_and_longer_for_its_turn() -> None:
    assert waits(refusing(*[Overloaded("full")] * 5), 0.5) == [0.5, 1.0, 2.0, 2.0, 2.0]


def test_what_the_gateway_asks_for_comes_on_top() -> None:
    assert waits(refusing(Overloaded("full", retry_after_seconds=3.0)), 0.5) == [3.5]


def test_no_wait_without_a_refusal() -> None:
    assert waits(refusing(), 0.5) == []


def test_patience_ends() -> None:
    full = Overloaded("full", retry_after_seconds=PATIENCE_SECONDS / 2)
    with pytest.raises(Overloaded):
        waits(refusing(full, full, full), 0.0)


def test_the_time_that_the_asking_takes_counts_too() -> None:
    """Its own retries wait as well."""
    clock = FakeClock()
    asked = []

    def full() -> Steps[str]:
        asked.append(clock.now())
        yield Pause(PATIENCE_SECONDS / 3)
        raise Overloaded("full")

    with pytest.raises(Overloaded):
        waits(full, 1.0, clock=clock)
    assert asked == [0.0, 21.0, 43.0]


def test_patience_ends_also_for_retries_that_never_wait() -> None:
    with pytest.raises(Overloaded):
        waits(
            refusing(*[Overloaded("full")] * MOST_STEPS),
            1.0,
            retries=Retries(first_wait_seconds=0.0, longest_wait_seconds=0.0),
        )


def test_other_errors_are_raised_at_once() -> None:
    with pytest.raises(BackendUnavailable):
        waits(refusing(BackendUnavailable("gone")), 0.0)
