"""The books find what they are kept for."""

import json

import numpy as np
import pytest

from tests.integration.chaos.account import Account
from tests.integration.chaos.questions import Outcome, judged, numbers


def answer(status: int, body: object, *headers: str) -> bytes:
    content = json.dumps(body).encode()
    head = [f"HTTP/1.1 {status} x", f"content-length: {len(content)}", *headers]
    return "\r\n".join([*head, "", ""]).encode() + content


def right(turn: int) -> bytes:
    return answer(200, {"predictions": [[2 * number] for number in numbers(turn)]}, f"x-request-id: turn-{turn}")


def test_twice_each_number_in_order_and_the_requests_own_id_are_right() -> None:
    assert judged(605, right(5)) is Outcome.ANSWERED


@pytest.mark.parametrize(
    "received",
    [
        right(6),
        right(5) + b"HTTP/1.1 200 OK\r\n",
        answer(200, {"predictions": [[2 * number] for number in reversed(numbers(5))]}, "x-request-id: turn-5"),
        answer(200, {"error": "none"}, "x-request-id: turn-5"),
    ],
)
def test_anothers_answer_a_second_one_or_numbers_in_another_order_are_wrong(received: bytes) -> None:
    assert judged(5, received) is Outcome.WRONG


@pytest.mark.parametrize(
    ("received", "outcome"),
    [
        (answer(503, {}, "retry-after: 1"), Outcome.REFUSED),
        (answer(429, {}, "retry-after: 30"), Outcome.REFUSED),
        (answer(504, {}), Outcome.REFUSED),
        (answer(503, {}), Outcome.FAILED),
        (answer(500, {}, "retry-after: 1"), Outcome.FAILED),
    ],
)
def test_a_refusal_says_when_to_come_again(received: bytes, outcome: Outcome) -> None:
    assert judged(5, received) is outcome


def test_what_has_no_end_is_lost_and_a_second_end_is_counted() -> None:
    account = Account(np.array([0.0, 0.1, 0.2]))
    account.heard(0, right(0), 0.05)
    account.broke(1, "the connection broke", 0.3)
    account.heard(0, right(0), 0.4)
    assert account.outcomes(range(3)) == {Outcome.ANSWERED: 1, Outcome.FAILED: 1, Outcome.LOST: 1}
    assert account.twice == 1


def test_what_was_under_way_when_a_fault_began_is_touched_by_it() -> None:
    account = Account(np.array([0.0, 0.1, 0.2, 0.9]))
    account.heard(0, right(0), 0.05)
    account.broke(1, "the connection broke", 0.5)
    account.heard(3, right(3), 0.95)
    assert account.under_way(0.3, 0.6) == [1, 2]
    assert account.under_way(0.6, 1.0) == [2, 3]


def test_recovery_is_the_first_whole_second_with_every_answer() -> None:
    account = Account(np.arange(0.0, 5.0, 0.25))
    for number, due in enumerate(account.due):
        if due == 2.0:
            account.broke(number, "the connection broke", due)
        else:
            account.heard(number, right(number), due)
    assert account.recovered(1.25, 5.0) == pytest.approx(0.8)
    assert account.recovered(1.25, 3.0) is None
