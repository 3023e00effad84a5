"""NDJSON and CSV from blocks of bytes, whatever the blocks."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from penstock_client.errors import InvalidInput
from penstock_client.metadata import Feature
from penstock_client.row_reading import MAX_LINE_BYTES, csv_rows, json_rows, lines_of

FEATURES = (
    Feature("number", "age", "float32"),
    Feature("category", "town", "string"),
    Feature("tensor", "old", "DT_STRING"),
)
CSV = b'\xef\xbb\xbfage, town,old\r\n59,Ulm,1\r\n,"a ""fine"", town\r\nby a river",2\n\n3.5,7,\nhigh,x,y\n1,2\n'


def in_pieces(data: bytes, cuts: list[int]) -> Any:
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(places) if start < end]
    return lambda _most: pieces.pop(0) if pieces else b""


@given(cuts=st.lists(st.integers(0, len(CSV)), max_size=6))
def test_csv_is_the_same_in_whatever_pieces(cuts: list[int]) -> None:
    found = [row for rows in csv_rows(lines_of(in_pieces(CSV, cuts), "f"), "f", FEATURES) for row in rows]
    assert [(row.line, row.row) for row in found if row.error is None] == [
        (2, {"age": 59, "town": "Ulm", "old": "1"}),
        (3, {"town": 'a "fine", town\nby a river', "old": "2"}),
        (6, {"age": 3.5, "town": "7"}),
        (7, {"age": "high", "town": "x", "old": "y"}),
    ]
    assert [(row.line, str(row.error)) for row in found if row.error] == [(8, "a row of 2 under a header of 3")]


@given(cuts=st.lists(st.integers(0, 30), max_size=6))
def test_ndjson_is_the_same_in_whatever_pieces(cuts: list[int]) -> None:
    data = '{"x": "é"}\r\n\n[1]\nnope\nNaN\n2'.encode()
    found = [row for rows in json_rows(lines_of(in_pieces(data, cuts), "f"), "f") for row in rows]
    assert [(row.place, row.row, row.error is None) for row in found] == [
        ("f, line 1", {"x": "é"}, True),
        ("f, line 3", [1], True),
        ("f, line 4", None, False),
        ("f, line 5", None, False),
        ("f, line 6", 2, True),
    ]


def test_a_quote_that_is_never_closed_is_an_error() -> None:
    lines = lines_of(in_pieces(b'age\n1\n"2\n3\n', []), "f")
    with pytest.raises(InvalidInput, match="never closed"):
        list(csv_rows(lines, "f", FEATURES))


def test_a_line_without_an_end_is_not_read_for_ever() -> None:
    block = b"x" * (MAX_LINE_BYTES // 4)
    with pytest.raises(InvalidInput, match="line 1 is longer"):
        list(lines_of(lambda _most: block, "f"))


def test_a_number_that_is_not_finite_is_left_to_the_gateway() -> None:
    found = [
        row.row for rows in csv_rows(lines_of(in_pieces(b"age\nnan\n1e999\n", []), "f"), "f", FEATURES) for row in rows
    ]
    assert found == [{"age": "nan"}, {"age": "1e999"}]
