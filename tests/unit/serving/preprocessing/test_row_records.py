"""Rows in pieces: what a writer wrote is read back however it is cut, and no bytes crash a reader."""

import csv
from collections.abc import Callable, Sequence
from io import StringIO
from itertools import pairwise
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.contract.features import CategoryFeature, Feature, NumberFeature, TensorFeature, TextFeature
from serving.errors import InvalidInput, PayloadTooLarge
from serving.preprocessing.row_records import CsvReader, NdjsonReader, Record, RowReader

FEATURES: Sequence[Feature] = (
    NumberFeature(name="number", dtype="float64"),
    NumberFeature(name="count", dtype="int64"),
    TextFeature(name="text"),
    CategoryFeature(name="colour", default="red"),
    TensorFeature(name="pair", dtype="float64", shape=(2,)),
    TensorFeature(name="flag", dtype="bool"),
)
NAMES = [feature.name for feature in FEATURES]
FINITE = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from('",\n'), max_size=8)
ROWS = st.lists(
    st.tuples(
        FINITE, st.integers(-(2**63), 2**63 - 1), TEXTS, TEXTS, st.lists(FINITE, min_size=2, max_size=2), st.booleans()
    ),
    min_size=1,
    max_size=6,
)
CUTS = st.lists(st.integers(0, 400), max_size=5)


def pieces(body: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    return [body[start:end] for start, end in pairwise(places)]


def read(reader: RowReader, parts: Sequence[bytes]) -> list[Record]:
    records: list[Record] = []
    for number, part in enumerate(parts):
        records.extend(reader.feed(part, last=number == len(parts) - 1))
    return records


@given(ROWS, CUTS, st.sampled_from(["\n", "\r\n"]))
def test_csv_is_read_back_however_it_is_cut(rows: list[tuple[object, ...]], cuts: list[int], end: str) -> None:
    file = StringIO()
    writer = csv.writer(file, lineterminator=end)
    writer.writerow(NAMES)
    for number, count, text, colour, pair, flag in rows:
        writer.writerow([repr(number), count, text, colour, orjson.dumps(pair).decode(), str(flag).lower()])
    reader = CsvReader(10_000)
    found = reader.decode(0, read(reader, pieces(file.getvalue().encode(), cuts)), FEATURES)
    for place, name in enumerate(NAMES):
        wanted = [row[place] for row in rows]
        if name in {"text", "colour"}:
            wanted = [str(value).encode() or (b"red" if name == "colour" else b"") for value in wanted]
        assert found[name].tolist() == wanted


@given(ROWS, CUTS)
def test_ndjson_is_read_back_however_it_is_cut(rows: list[tuple[object, ...]], cuts: list[int]) -> None:
    body = b"\n\n".join(orjson.dumps(dict(zip(NAMES, row, strict=True))) for row in rows)
    reader = NdjsonReader(10_000)
    found = reader.decode(0, read(reader, pieces(body, cuts)), FEATURES)
    np.testing.assert_array_equal(found["number"], [row[0] for row in rows])
    assert found["text"].tolist() == [str(row[2]).encode() for row in rows]


@pytest.mark.parametrize("make", [CsvReader, NdjsonReader])
@given(body=st.binary(max_size=60) | st.text('",\n1ax{}[]', max_size=40).map(str.encode), cuts=CUTS)
def test_any_bytes_are_rows_or_invalid_input(make: Callable[[int], RowReader], body: bytes, cuts: list[int]) -> None:
    for head in (b"", b"number,text\n"):
        reader = make(50)
        try:
            if records := read(reader, pieces(head + body, cuts)):
                reader.decode(0, records, (NumberFeature(name="number"), TextFeature(name="text")))
        except InvalidInput as error:
            assert str(error)  # noqa: PT017 - being refused is as right as being read


@pytest.mark.parametrize("make", [CsvReader, NdjsonReader])
def test_no_more_than_one_row_is_ever_held(make: Callable[[int], RowReader]) -> None:
    reader = make(100)
    for _ in range(10):
        assert list(reader.feed(b'"123456789', last=False)) == []
    with pytest.raises(PayloadTooLarge, match="a row of more than 100 bytes"):
        reader.feed(b'"', last=False)


@given(st.lists(st.sampled_from(["a", '"a"', '"\n"', '"""\n""\n"', '"a\n\nb"']), min_size=1, max_size=12), CUTS)
def test_lines_within_quotes_are_read_the_same_however_they_are_cut(cells: list[str], cuts: list[int]) -> None:
    body = "".join(f"{cell}\n" for cell in ["text", *cells]).encode()
    whole = read(CsvReader(1000), [body])
    assert whole == list(csv.reader(StringIO(body.decode(), newline="")))[1:]
    assert read(CsvReader(1000), pieces(body, cuts)) == whole


def test_a_quote_that_never_closes_is_looked_at_once() -> None:
    """Its lines were counted anew with every piece, which took quadratic time: seconds for these eight megabytes."""
    looked_at = 0

    class Counted(bytes):
        def rfind(self, *arguments: Any) -> int:
            nonlocal looked_at
            looked_at += 1
            return super().rfind(*arguments)

    reader = CsvReader(16 * 1024 * 1024)
    reader.feed(b'text\n"', last=False)
    for _ in range(128):
        assert reader.feed(Counted(b"1\n" * 32_768), last=False) == []
    assert looked_at <= 4 * 128
