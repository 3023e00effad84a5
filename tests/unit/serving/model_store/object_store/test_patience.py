"""A step is repeated while the store is away, and for no longer than was said."""

import argparse
import random
from collections.abc import Callable

import pytest

from serving.errors import IntegrityError, StoreUnavailable
from serving.model_store.object_store.patience import Patience, seconds_argument
from serving.model_store.object_store.store import Unreadable, object_errors


class Time:
    """Goes on when somebody waits."""

    def __init__(self) -> None:
        self.now_seconds = 100.0
        self.waits: list[float] = []

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now_seconds += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def make_patience(time: Time, said: list[str]) -> Callable[[float], Patience]:
    return lambda seconds: Patience(seconds, said.append, lambda: time.now_seconds, time.wait, random.Random(1))


class Away:
    """Fails so many times, then it is there."""

    def __init__(self, times: int, error: Exception) -> None:
        self.left, self.error = times, error

    def __call__(self) -> str:
        if self.left:
            self.left -= 1
            raise self.error
        return "done"


def test_a_store_that_comes_back_is_waited_for_and_each_wait_told(
    make_patience: Callable[[float], Patience], time: Time, said: list[str]
) -> None:
    assert make_patience(60).until_there(Away(3, StoreUnavailable("gone"))) == "done"
    assert time.waits == sorted(time.waits)
    assert len(said) == 3
    assert said[0] == f"gone; trying again in {time.waits[0]:.1f} s"


@pytest.mark.parametrize("seconds", [0.0, 7.0, 300.0])
def test_it_ends_when_it_was_said_to(make_patience: Callable[[float], Patience], time: Time, seconds: float) -> None:
    with pytest.raises(StoreUnavailable, match="gone"):
        make_patience(seconds).until_there(Away(1000, StoreUnavailable("gone")))
    assert sum(time.waits) == pytest.approx(seconds)


def test_what_waiting_does_not_mend_is_raised_at_once(make_patience: Callable[[float], Patience], time: Time) -> None:
    with pytest.raises(IntegrityError):
        make_patience(60).until_there(Away(1, IntegrityError("damaged")))
    assert time.waits == []


@pytest.mark.parametrize("error", [PermissionError("Access Denied"), OSError("Forbidden: https://gcs/o\nno")])
def test_an_object_that_the_store_refuses_is_no_outage(error: Exception) -> None:
    with (
        pytest.raises(Unreadable, match=r"digits/1/saved_model\.pb may not be read: ") as raised,
        object_errors("digits/1/saved_model.pb"),
    ):
        raise error
    assert raised.value.name == "digits/1/saved_model.pb"
    assert "\n" not in str(raised.value)
    with pytest.raises(StoreUnavailable), object_errors("digits/1/saved_model.pb"):
        raise ConnectionError("nobody there")


@pytest.mark.parametrize("text", ["-1", "inf", "nan", "soon"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        seconds_argument(text)
    assert seconds_argument("1.5") == 1.5
