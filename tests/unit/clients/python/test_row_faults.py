"""Asking around wrong rows, against a gateway that refuses a request for its first wrong row."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from penstock_client.errors import InvalidInput, PayloadTooLarge, WrongDtype
from penstock_client.prediction import Prediction
from penstock_client.row_faults import RowAnswer, around_faults
from penstock_client.row_reading import SourceRow

WRONG = "wrong"


class Refusing:
    """`most_rows` is a limit it tells without naming a row; `names_rows` says whether it names wrong ones."""

    def __init__(self, *, names_rows: bool = True, most_rows: int = 10_000) -> None:
        self.names_rows, self.most_rows = names_rows, most_rows
        self.asked: list[int] = []

    def __call__(self, rows: Sequence[SourceRow]) -> Sequence[Prediction] | InvalidInput:
        self.asked.append(len(rows))
        if len(rows) > self.most_rows:
            return PayloadTooLarge("too many")
        for place, row in enumerate(rows):
            if row.row == WRONG:
                return WrongDtype("text", field=f"/instances/{place}/age" if self.names_rows else None)
        return [Prediction({}, 1, value=float(row.row)) for row in rows]

    def answers(self, rows: Sequence[SourceRow], *, keep_going: bool = True) -> list[RowAnswer]:
        asking = around_faults(rows, keep_going=keep_going)
        try:
            part = next(asking)
            while True:
                part = asking.send(self(part))
        except StopIteration as stop:
            answers: list[RowAnswer] = stop.value
            return answers


def lines(values: Sequence[Any]) -> list[SourceRow]:
    return [SourceRow(value, "f", number) for number, value in enumerate(values, start=1)]


def told(answers: Sequence[RowAnswer]) -> list[Any]:
    return [WRONG if isinstance(each.outcome, InvalidInput) else each.outcome.value for each in answers]


@pytest.mark.parametrize("names_rows", [True, False])
@given(values=st.lists(st.sampled_from([1.0, 2.0, WRONG]), min_size=1, max_size=40))
def test_every_row_has_its_answer(names_rows: bool, values: list[Any]) -> None:  # noqa: FBT001 - a table
    gateway = Refusing(names_rows=names_rows)
    assert told(gateway.answers(lines(values))) == values


@given(values=st.lists(st.sampled_from([1.0, WRONG]), min_size=1, max_size=40))
def test_without_going_on_the_first_wrong_row_is_the_last_answer(values: list[Any]) -> None:
    end = values.index(WRONG) + 1 if WRONG in values else len(values)
    assert told(Refusing().answers(lines(values), keep_going=False)) == values[:end]


def test_right_rows_are_one_request() -> None:
    gateway = Refusing()
    gateway.answers(lines([1.0] * 1000))
    assert gateway.asked == [1000]


def test_a_single_wrong_row_costs_few_requests_and_a_thousand_little_more_than_one_each() -> None:
    gateway = Refusing()
    gateway.answers(lines([*[1.0] * 500, WRONG, *[1.0] * 499]))
    assert len(gateway.asked) < 5
    gateway = Refusing()
    gateway.answers(lines([WRONG] * 1000))
    assert len(gateway.asked) <= 1000
    assert sum(gateway.asked) < 3000


def test_a_request_that_is_too_large_is_halved() -> None:
    gateway = Refusing(most_rows=300)
    assert told(gateway.answers(lines([1.0] * 1000))) == [1.0] * 1000


def test_an_error_says_where_the_row_came_from() -> None:
    wrong = Refusing().answers(lines([1.0, WRONG]))[1].outcome
    assert isinstance(wrong, WrongDtype)
    assert str(wrong) == "text (at f, line 2, /age)"
    from_nowhere = Refusing().answers([SourceRow(WRONG)])[0].outcome
    assert str(from_nowhere) == "text (at /instances/0/age)"


def test_a_row_that_could_not_be_read_is_not_asked_about() -> None:
    gateway = Refusing()
    rows = [SourceRow(1.0), SourceRow(None, "f", 2, error=InvalidInput("not JSON")), SourceRow(3.0)]
    assert told(gateway.answers(rows)) == [1.0, WRONG, 3.0]
    assert gateway.asked == [1, 1]
