"""Large documents read in pieces are what they are when read at once, and are refused where they would be."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.errors import PayloadTooLarge
from serving.preprocessing.json_slices import MOST_CONTAINERS, PIECE_BYTES, read_sliced
from serving.preprocessing.json_text import read_json

WORDS = st.text(alphabet='ab"\\[]{},: \u00e9', max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | WORDS,
    lambda part: st.lists(part, max_size=6) | st.dictionaries(WORDS, part, max_size=4),
    max_leaves=30,
)


def outcome(read: Callable[[bytes], Any], text: bytes) -> Any:
    try:
        return read(text)
    except orjson.JSONDecodeError:
        return "no JSON"


@given(document=JSON, indented=st.booleans(), piece_bytes=st.integers(2, 40))
@settings(max_examples=100, deadline=None)
def test_pieces_together_are_the_whole(document: Any, indented: bool, piece_bytes: int) -> None:  # noqa: FBT001 - drawn
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2 if indented else None)
    assert read_sliced(text, orjson.loads, piece_bytes) == document


@given(text=st.lists(st.sampled_from('[]{},:"\\ 1a'), max_size=24).map(lambda parts: "".join(parts).encode()))
@settings(max_examples=300, deadline=None)
def test_what_is_no_json_is_none_in_pieces_either(text: bytes) -> None:
    assert outcome(lambda given: read_sliced(given, orjson.loads, 2), text) == outcome(orjson.loads, text)


HOSTILE = {
    "lists": b'{"instances":[' + b"[]," * 300_000 + b"[]]}",
    "an open list": b'{"instances":[' + b"1," * 300_000,
    "closed by another": b'{"instances":[{' + b"[]," * 300_000 + b"[]]}",
    "members": b"{" + b",".join(b'"%d":{}' % number for number in range(200_000)) + b"}",
    "one within another": b'{"inputs":[{"x":{"y":[' + b'{"a":[0]},' * 100_000 + b"1]}}]}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_call_into_the_parser_is_of_more_than_a_piece(text: bytes) -> None:
    sizes = []

    def read(piece: bytes) -> Any:
        sizes.append(len(piece))
        return orjson.loads(piece)

    found = outcome(lambda given: read_sliced(given, read), text)
    assert max(sizes, default=0) <= PIECE_BYTES + 2
    assert found == outcome(orjson.loads, text)


def test_more_lists_than_any_array_needs_are_refused_before_one_is_made() -> None:
    with pytest.raises(PayloadTooLarge, match="1000002 lists and objects"):
        read_json(b'{"instances":[' + b"[]," * (MOST_CONTAINERS - 1) + b"[]]}")


def test_a_large_document_may_have_numbers_that_json_lacks() -> None:
    assert read_json(b"[" + b"NaN, " * 200_000 + b"1]")[-1] == 1
