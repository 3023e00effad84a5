"""A caller's allowance: never more than its rate and one burst, waits that are exact, counts that come out even."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.access.caller import Caller, Quota
from serving.access.quotas import Allowance, Allowances
from serving.errors import QuotaExceeded

TEN_A_SECOND = Quota(rows_per_second=10.0)


def caller(name: str, quota: Quota = TEN_A_SECOND) -> Caller:
    return Caller(name, frozenset(), frozenset(), quota)


def refused(allowance: Allowance, rows: int, now_seconds: float) -> float:
    with pytest.raises(QuotaExceeded) as raised:
        allowance.take(rows, now_seconds)
    return raised.value.retry_after_seconds


def test_one_seconds_rows_are_there_at_once_and_the_next_after_the_time_they_take() -> None:
    allowance = Allowance(TEN_A_SECOND)
    for _ in range(10):
        allowance.take(1, 100.0)
    assert refused(allowance, 1, 100.0) == pytest.approx(0.1)
    assert refused(allowance, 5, 100.0) == pytest.approx(0.5)
    allowance.take(5, 100.5)


def test_a_refused_request_takes_nothing() -> None:
    allowance = Allowance(TEN_A_SECOND)
    allowance.take(6, 0.0)
    refused(allowance, 5, 0.0)
    allowance.take(4, 0.0)


def test_a_request_larger_than_the_bucket_is_taken_when_it_is_full_and_owed_for() -> None:
    allowance = Allowance(TEN_A_SECOND)
    allowance.take(1, 0.0)
    assert refused(allowance, 100, 0.0) == pytest.approx(0.1)
    allowance.take(100, 0.1)
    assert refused(allowance, 1, 0.1) == pytest.approx(9.1)
    allowance.take(1, 9.2)


def test_a_worker_has_its_share_of_the_rate_and_at_least_one_request_at_a_time() -> None:
    allowance = Allowance(Quota(10.0, 3), share=1 / 4)
    allowance.take(1, 0.0)
    allowance.take(1, 0.0)
    assert refused(allowance, 1, 0.0) == pytest.approx(0.2)
    allowance.enter()
    with pytest.raises(QuotaExceeded):
        allowance.enter()
    three = Allowance(Quota(concurrent_requests=3), share=1 / 3)
    three.enter()
    with pytest.raises(QuotaExceeded):
        three.enter()


def test_less_than_a_row_a_second_lets_one_row_through() -> None:
    allowance = Allowance(Quota(rows_per_second=0.5))
    allowance.take(1, 0.0)
    assert refused(allowance, 1, 0.0) == pytest.approx(2.0)
    allowance.take(1, 2.0)


def test_without_limits_everything_is_taken() -> None:
    allowance = Allowance(Quota())
    for _ in range(100):
        allowance.enter()
        allowance.take(10**9, 0.0)


def asked(allowance: Allowance, rows: int, now_seconds: float) -> float:
    """How long to wait; 0 when the rows were taken."""
    try:
        allowance.take(rows, now_seconds)
    except QuotaExceeded as error:
        return error.retry_after_seconds
    return 0.0


request = st.tuples(st.floats(0, 3), st.integers(1, 40), st.booleans())


@settings(max_examples=60)
@given(
    st.lists(request, max_size=60), st.floats(0.3, 50), st.sampled_from([1.0, 0.5, 1 / 3]), st.sampled_from([0, 1.7e9])
)
def test_no_window_has_more_than_the_rate_and_one_burst(
    requests: list[tuple[float, int, bool]], rate: float, share: float, start: float
) -> None:
    """And whoever waits as long as told, and is alone, is served."""
    allowance, now, taken = Allowance(Quota(rate), share), start, list[tuple[float, int]]()
    for pause, rows, patient in requests:
        now += pause
        wait_seconds = asked(allowance, rows, now)
        if wait_seconds and patient:
            now += wait_seconds
            wait_seconds = asked(allowance, rows, now)
            assert wait_seconds == 0
        if wait_seconds == 0:
            taken.append((now, rows))
    largest = max((rows for _, rows in taken), default=0)
    for first, (begin, _) in enumerate(taken):
        total = 0
        for end, rows in taken[first:]:
            total += rows
            assert total <= rate * share * (end - begin + 1e-4) + max(rate * share, largest) + 1e-6


@settings(max_examples=60)
@given(st.lists(st.booleans(), max_size=200), st.integers(1, 5))
def test_what_entered_and_did_not_leave_is_under_way(steps: list[bool], limit: int) -> None:
    allowance, inside = Allowance(Quota(concurrent_requests=limit)), 0
    for entering in steps:
        if entering and inside == limit:
            with pytest.raises(QuotaExceeded):
                allowance.enter()
        elif entering:
            allowance.enter()
            inside += 1
        elif inside:
            allowance.leave()
            inside -= 1
        assert allowance.under_way == inside <= limit


def test_each_name_has_one_allowance_and_callers_without_limits_none() -> None:
    allowances = Allowances()
    one = allowances.of(caller("one"), 0.0)
    assert one is not None
    assert allowances.of(caller("one"), 0.0) is one
    assert allowances.of(caller("two"), 0.0) is not one
    assert allowances.of(caller("free", Quota()), 0.0) is None


def test_a_changed_quota_holds_at_once_and_what_was_used_stays_used() -> None:
    allowances = Allowances()
    one = allowances.of(caller("one"), 0.0)
    assert one is not None
    one.enter()
    one.take(10, 0.0)
    assert allowances.of(caller("one", Quota(5.0, 1)), 0.0) is one
    assert one.under_way == 1
    with pytest.raises(QuotaExceeded):
        one.enter()
    assert refused(one, 5, 0.0) == pytest.approx(2.0)  # ten rows at five a second
    allowances.of(caller("one", Quota()), 0.0)
    one.take(1000, 0.0)


def test_many_names_do_not_grow_it_and_the_ones_in_use_are_kept() -> None:
    allowances = Allowances(max_allowances=8)
    busy, used = allowances.of(caller("busy"), 0.0), allowances.of(caller("used"), 0.0)
    assert busy is not None
    assert used is not None
    busy.enter()
    used.take(10, 0.0)
    for number in range(100):
        assert allowances.of(caller(f"name-{number}"), 0.0) is not None
    assert len(allowances._by_name) <= 8
    assert allowances.of(caller("busy"), 0.0) is busy
    assert allowances.of(caller("used"), 0.0) is used
    for number in range(100):
        one = allowances.of(caller(f"used-{number}"), 0.0)
        assert one is not None
        one.take(1, 0.0)
    assert len(allowances._by_name) <= 8
    assert allowances.of(caller("busy"), 0.0) is busy
