"""Forms of many rows, NDJSON and CSV: bytes that arrive in pieces to records, and batches of records to arrays.

Pure, and bounded: at most one record is held back. Rows count from 0, blank lines and CSV's header left out.
"""

import csv
from collections.abc import Callable, Sequence
from io import StringIO
from typing import Protocol, TypeAlias

import orjson

from serving.contract.features import Feature
from serving.contract.tensors import Array
from serving.errors import InvalidInput, PayloadTooLarge, WrongShape
from serving.preprocessing.arrays import Locate, pointer_token
from serving.preprocessing.cells import decode_cells
from serving.preprocessing.json_text import read_json
from serving.preprocessing.records import decode_rows, unknown_field

Record: TypeAlias = bytes | list[str]
"""A line of NDJSON, or the cells of a line of CSV."""


class RowReader(Protocol):
    """One body being read."""

    def feed(self, data: bytes, *, last: bool) -> Sequence[Record]:
        """The records that `data` completes; all that is left when it is the `last`. Raises InvalidInput's family."""

    def decode(self, start: int, records: Sequence[Record], features: Sequence[Feature]) -> dict[str, Array]:
        """One array a feature from `records`, the first of which is row `start`; pointers begin `/rows/{row}`."""


def row_pointer(row: int) -> str:
    return f"/rows/{row}"


def located(start: int, name: str = "") -> Locate:
    tail = f"/{pointer_token(name)}" if name else ""
    return lambda row: f"{row_pointer(start + row)}{tail}"


class _Pieces:
    """What has come and is no whole line yet, at most `max_bytes` of it."""

    def __init__(self, max_bytes: int) -> None:
        self._held: list[bytes] = []
        self._size = 0
        self._max_bytes = max_bytes

    def whole(self, data: bytes, *, last: bool, cut: Callable[[bytes], int]) -> bytes:
        """The bytes up to where `cut` says that the last whole record in `data` ends; the rest is held. What is held is
        never looked at again, or a record in many pieces would be read as many times.
        """
        end = len(data) if last else cut(data)
        if not last and not end:
            self._hold(data)
            return b""
        joined = b"".join((*self._held, data[:end]))
        self._held, self._size = [], 0
        self._hold(data[end:])
        return joined

    def _hold(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._max_bytes:
            raise PayloadTooLarge(f"a row of more than {self._max_bytes} bytes")
        self._held.append(data)


class NdjsonReader:
    """A JSON value a line: what would stand in `instances`."""

    def __init__(self, max_record_bytes: int) -> None:
        self._pieces = _Pieces(max_record_bytes)

    def feed(self, data: bytes, *, last: bool) -> Sequence[Record]:
        whole = self._pieces.whole(data, last=last, cut=lambda data: data.rfind(b"\n") + 1)
        return [line for line in whole.split(b"\n") if line and not line.isspace()]

    def decode(self, start: int, records: Sequence[Record], features: Sequence[Feature]) -> dict[str, Array]:
        rows: list[object] = []
        for row, line in enumerate(records, start):
            try:
                rows.append(read_json(line))  # type: ignore[arg-type] # NDJSON's records are bytes
            except orjson.JSONDecodeError as error:
                raise InvalidInput(f"the row is not JSON: {error}", pointer=row_pointer(row)) from error
        return decode_rows(rows, features, located(start))


class CsvReader:
    """RFC 4180 in UTF-8: commas, and a first line with the features' names in any order; an empty cell is an absent
    value.
    """

    def __init__(self, max_record_bytes: int) -> None:
        self._pieces = _Pieces(max_record_bytes)
        self._header: list[str] | None = None
        self._is_quoted = 0
        """Whether what is held ends within quotes: an odd number of them."""

    def feed(self, data: bytes, *, last: bool) -> Sequence[Record]:
        whole = self._pieces.whole(data, last=last, cut=self._cut)
        try:
            records = [record for record in csv.reader(StringIO(whole.decode(), newline=""), strict=True) if record]
        except UnicodeDecodeError as error:
            raise InvalidInput("the body is not UTF-8") from error
        except csv.Error as error:
            raise InvalidInput(f"the body is not CSV: {error}") from error
        if self._header is None and records:
            self._header = [name.strip().removeprefix("\ufeff") for name in records.pop(0)]
        return records

    def _cut(self, data: bytes) -> int:
        """Just after the last line end that no quotes enclose, 0 for none: before it their number is even."""
        end = data.rfind(b"\n") + 1
        quotes = self._is_quoted + data.count(b'"', 0, end)
        while end and quotes % 2:
            before = data.rfind(b"\n", 0, max(0, data.rfind(b'"', 0, end))) + 1  # all ends behind that quote are within
            quotes -= data.count(b'"', before, end)
            end = before
        self._is_quoted = ((0 if end else self._is_quoted) + data.count(b'"', end)) % 2
        return end

    def decode(self, start: int, records: Sequence[Record], features: Sequence[Feature]) -> dict[str, Array]:
        header = self._header or []
        places = _places(header, features)
        for row, record in enumerate(records, start):
            if len(record) != len(header):
                raise WrongShape(f"{len(record)} cells where the header has {len(header)}", pointer=row_pointer(row))
        columns: list[Sequence[str]] = list(zip(*records, strict=True))
        absent = [""] * len(records)
        return {
            feature.name: decode_cells(
                feature,
                columns[places[feature.name]] if feature.name in places else absent,
                located(start, feature.name),
            )
            for feature in features
        }


def _places(header: Sequence[str], features: Sequence[Feature]) -> dict[str, int]:
    names = {feature.name for feature in features}
    places: dict[str, int] = {}
    for place, name in enumerate(header):
        pointer = f"/header/{pointer_token(name[:64])}"
        if name not in names:
            raise unknown_field(name, names, pointer)
        if name in places:
            raise InvalidInput(f"the header has {name!r} twice", pointer=pointer)
        places[name] = place
    return places
