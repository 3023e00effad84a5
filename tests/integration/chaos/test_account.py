"""The books find what they are kept for."""

import json

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from serving.grpc import inference_pb2 as inference
from tests.integration.chaos.account import PROTOCOLS, Account, Ended
from tests.integration.chaos.calls import Manner, Said, manners
from tests.integration.chaos.questions import DEADLINE_SECONDS, Outcome, Protocol, judged, numbers


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


def oip(turn: int, values: list[float], request_turn: int | None = None) -> Said:
    answer = inference.ModelInferResponse()
    answer.outputs.add(name="value").contents.fp32_contents.extend(values)
    named = {"x-request-id": f"turn-{turn if request_turn is None else request_turn}"}
    return Said(grpc.StatusCode.OK, answer.SerializeToString(), named, 0.1)


def manner(protocol: Protocol) -> Manner:
    return next(each for each in manners() if each.protocol is protocol)


def test_no_two_protocols_have_the_same_numbers() -> None:
    turns = [manner(protocol).turn(number) for protocol in (Protocol.OIP, Protocol.TFS) for number in range(600)]
    assert len({number for turn in [*range(600), *turns] for number in numbers(turn)}) == 3 * 1200


def test_a_calls_answer_is_twice_its_own_numbers_under_its_own_id() -> None:
    asked = manner(Protocol.OIP)
    turn = asked.turn(5)
    doubled = [2 * number for number in numbers(turn)]
    assert asked.judged(5, oip(turn, doubled)) is Outcome.ANSWERED
    assert asked.judged(5, oip(turn, doubled, turn + 1)) is Outcome.WRONG
    assert asked.judged(5, oip(turn, [*doubled, 1.0])) is Outcome.WRONG
    assert asked.judged(5, oip(turn, [2 * number for number in numbers(5)])) is Outcome.WRONG


def test_a_call_is_refused_only_with_its_reason_and_when_to_come_again() -> None:
    told, again = {"x-error-code": "Overloaded"}, {"grpc-status-details-bin": b"..google.rpc.RetryInfo.."}
    asked = manner(Protocol.OIP)
    for code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED):
        assert asked.judged(0, Said(code, b"", {**told, **again}, 0.1)) is Outcome.REFUSED
        assert asked.judged(0, Said(code, b"", told, 0.1)) is Outcome.FAILED
        assert asked.judged(0, Said(code, b"", {}, 0.1)) is Outcome.FAILED
    assert asked.judged(0, Said(grpc.StatusCode.INTERNAL, b"", {**told, **again}, 0.1)) is Outcome.FAILED


def test_a_deadline_is_the_gateways_word_or_the_calls_own() -> None:
    late = grpc.StatusCode.DEADLINE_EXCEEDED
    for protocol in (Protocol.OIP, Protocol.TFS):
        told = Said(late, b"", {"x-error-code": "DeadlineExceeded"}, 0.1)
        assert manner(protocol).judged(0, told) is Outcome.REFUSED
        assert manner(protocol).judged(0, Said(late, b"", {}, 0.1)) is Outcome.FAILED
    own = Said(late, b"", {}, DEADLINE_SECONDS)
    assert manner(Protocol.TFS).judged(0, own) is Outcome.REFUSED
    assert manner(Protocol.OIP).judged(0, own) is Outcome.FAILED


def books(due: NDArray[np.float64]) -> Account:
    """Of requests over REST."""
    return Account(due, np.zeros(len(due), np.int8))


def well(at_seconds: float) -> Ended:
    return Ended(Outcome.ANSWERED, at_seconds, "200")


def broken(at_seconds: float) -> Ended:
    return Ended(Outcome.FAILED, at_seconds, "the connection broke")


def test_what_has_no_end_is_lost_and_a_second_end_is_counted() -> None:
    account = books(np.array([0.0, 0.1, 0.2]))
    account.end(0, well(0.05))
    account.end(1, broken(0.3))
    account.end(0, well(0.4))
    assert account.outcomes(range(3)) == {Outcome.ANSWERED: 1, Outcome.FAILED: 1, Outcome.LOST: 1}
    assert account.twice == 1


def test_what_was_under_way_when_a_fault_began_is_touched_by_it() -> None:
    account = books(np.array([0.0, 0.1, 0.2, 0.9]))
    account.end(0, well(0.05))
    account.end(1, broken(0.5))
    account.end(3, well(0.95))
    assert account.under_way(0.3, 0.6) == [1, 2]
    assert account.under_way(0.6, 1.0) == [2, 3]


def test_recovery_is_the_first_whole_second_with_every_answer() -> None:
    account = books(np.arange(0.0, 5.0, 0.25))
    for number, due in enumerate(account.due):
        account.end(number, broken(due) if due == 2.0 else well(due))
    assert account.recovered(1.25, 5.0) == pytest.approx(0.8)
    assert account.recovered(1.25, 3.0) is None


def test_protocols_recover_each_by_itself() -> None:
    due = np.arange(0.0, 5.0, 0.125)
    account = Account(due, np.arange(len(due), dtype=np.int8) % 2)
    for number, moment in enumerate(due):
        account.end(number, broken(moment) if moment < 2.0 and number % 2 else well(moment))
    assert account.recovered(1.0, 5.0, PROTOCOLS[0]) == 0.0
    assert account.recovered(1.0, 5.0, PROTOCOLS[1]) == pytest.approx(0.9)
    assert account.outcomes(account.over(PROTOCOLS[0], range(len(due)))) == {Outcome.ANSWERED: 20}


def test_requests_that_nobody_came_to_ask_are_no_lost_ones() -> None:
    account = books(np.array([0.0, 0.1, 0.2]))
    account.end(2, well(0.3))
    account.keep(np.array([True, False, True]))
    assert account.due.tolist() == [0.0, 0.2]
    assert account.outcomes(range(2)) == {Outcome.LOST: 1, Outcome.ANSWERED: 1}
