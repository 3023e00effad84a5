"""Remembered callers: asked for once, refused from the very next request after a change, counted to their end."""

import pytest

from serving.access.caller import Presented, Quota, Verb
from serving.access.visitors import MOST_VISITORS, Visitors
from serving.errors import Forbidden, QuotaExceeded, Unauthenticated
from tests.unit.serving.access.callers import Keys, caller

KEY = Presented(api_key=b"key")


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_a_good_key_is_looked_up_once() -> None:
    keys = Keys({b"key": caller()})
    visitors = Visitors([keys])
    for _ in range(3):
        visitors.of(KEY).enter(Verb.PREDICT, "digits")
    assert keys.asked == 1
    assert visitors.of(KEY).name == "app"


def test_a_revoked_key_is_refused_at_once_and_let_in_again_when_it_is_back() -> None:
    keys = Keys({b"key": caller()})
    visitor = Visitors([keys]).of(KEY)
    visitor.enter(Verb.PREDICT, "digits")
    keys.change(b"key", None)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            visitor.enter(Verb.PREDICT, "digits")
    assert visitor.name == ""
    keys.change(b"key", caller("app again"))
    visitor.enter(Verb.PREDICT, "digits")
    assert visitor.name == "app again"


def test_a_narrowed_scope_holds_at_once() -> None:
    keys = Keys({b"key": caller()})
    visitor = Visitors([keys]).of(KEY)
    visitor.enter(Verb.METRICS, None)
    keys.change(b"key", caller("app", Verb.READ, models=frozenset({"wine"})))
    with pytest.raises(Forbidden):
        visitor.enter(Verb.METRICS, None)
    assert visitor.sees("wine")
    assert not visitor.sees("digits")


def test_an_expired_caller_is_refused_on_the_wall_clock() -> None:
    clock = Clock()
    visitor = Visitors([Keys({b"key": caller(expires_at_seconds=101.0)})], wall=clock).of(KEY)
    visitor.enter(Verb.PREDICT, "digits")
    clock.seconds = 101.0
    with pytest.raises(Unauthenticated):
        visitor.enter(Verb.PREDICT, "digits")


def test_requests_at_once_are_counted_by_the_callers_name_and_until_they_leave() -> None:
    quota = Quota(concurrent_requests=1)
    keys = Keys({b"key": caller(quota=quota), b"other": caller(quota=quota)})
    visitors = Visitors([keys])
    entered = visitors.of(KEY).enter(Verb.PREDICT, "digits")
    with pytest.raises(QuotaExceeded):
        visitors.of(Presented(api_key=b"other")).enter(Verb.PREDICT, "digits")
    assert entered is not None
    entered.leave()
    assert visitors.of(KEY).enter(Verb.PREDICT, "digits") is not None


def test_rows_are_charged_to_this_process_share() -> None:
    clock = Clock()
    visitors = Visitors([Keys({b"key": caller(quota=Quota(rows_per_second=10.0))})], share=0.5, clock=clock)
    visitor = visitors.of(KEY)
    visitor.enter(Verb.PREDICT, "digits")
    visitor.charge(5)
    with pytest.raises(QuotaExceeded) as raised:
        visitor.charge(1)
    assert raised.value.retry_after_seconds == pytest.approx(0.2)
    clock.seconds += 0.2
    visitor.charge(1)


def test_nothing_is_counted_of_a_caller_without_a_quota() -> None:
    visitor = Visitors([Keys({b"key": caller()})]).of(KEY)
    assert visitor.enter(Verb.PREDICT, "digits") is None
    visitor.charge(10**9)


def test_only_good_credentials_are_remembered_and_not_without_bound() -> None:
    keys = Keys({b"%d" % number: caller() for number in range(MOST_VISITORS + 1)})
    visitors = Visitors([keys])
    with pytest.raises(Unauthenticated):
        visitors.of(KEY).caller()
    assert visitors.of(KEY) is not visitors.of(KEY)
    for key in keys.callers:
        visitors.of(Presented(api_key=key)).caller()
    assert visitors.of(Presented(api_key=b"0")) is not visitors.of(Presented(api_key=b"0"))
