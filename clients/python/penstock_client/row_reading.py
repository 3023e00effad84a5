"""NDJSON and CSV, read from blocks of bytes as they come, each row with the line it began on.

Pure: a block is read by a function the caller hands in. What is held at a time is one block and one unfinished line.
"""

import csv
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NoReturn, TypeAlias

from penstock_client.errors import InvalidInput
from penstock_client.metadata import Feature

ReadBlock: TypeAlias = Callable[[int], bytes]
"""What there is now, at most so many bytes, waiting for the first of them; no bytes at the end."""

BLOCK_BYTES = 64 * 1024
MAX_LINE_BYTES = 64 * 1024 * 1024
"""Of a line, a CSV cell with line breaks in it, a JSON document: far more than a gateway takes in a request."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row and where it came from; with an `error` it could not be read. `name` is to stand beside its answer."""

    row: Any
    source: str = ""
    line: int = 0
    name: str = ""
    error: InvalidInput | None = None

    @property
    def place(self) -> str:
        return f"{self.source}, line {self.line}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines that one block completed, without their ends; the first has this number, counted from 1."""

    first: int
    texts: list[bytes]


def lines_of(read: ReadBlock, source: str) -> Iterator[Lines]:
    """Raises InvalidInput for a line without an end."""
    held: list[bytes] = []
    first = 1
    while block := read(BLOCK_BYTES):
        held.append(block)
        if b"\n" in block:
            *whole, rest = b"".join(held).split(b"\n")
            held = [rest]
            yield Lines(first, whole)
            first += len(whole)
        elif sum(map(len, held)) > MAX_LINE_BYTES:
            raise InvalidInput(f"{source}, line {first} is longer than {MAX_LINE_BYTES} bytes")
    if last := b"".join(held):
        yield Lines(first, [last])


def json_rows(lines: Iterator[Lines], source: str) -> Iterator[list[SourceRow]]:
    """A row a line, blank ones left out."""
    for block in lines:
        numbered = enumerate(block.texts, start=block.first)
        yield [_json_row(text, source, number) for number, text in numbered if text and not text.isspace()]


def _json_row(text: bytes, source: str, line: int) -> SourceRow:
    try:
        return SourceRow(parsed(text), source, line)
    except ValueError as error:
        return SourceRow(None, source, line, error=InvalidInput(f"not JSON: {error}"))


def parsed(text: bytes | str) -> Any:
    """Raises ValueError for what is not JSON; NaN and infinity are not."""
    return json.loads(text, parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def csv_rows(lines: Iterator[Lines], source: str, features: Sequence[Feature]) -> Iterator[list[SourceRow]]:
    """A record a line, under a header with the features' names; an empty cell is an absent value (RFC 4180).

    Raises InvalidInput where there is no header, or a quote is never closed.
    """
    texts_of = _whole_records(lines, source)
    numbers = frozenset(each.name for each in features if not each.dtype.lower().endswith("string"))
    header: list[str] | None = None
    for block in texts_of:
        reader = csv.reader(block.texts)
        rows, line = [], block.first
        for cells in reader:
            if header is None:
                header = [name.strip() for name in cells]
            elif cells:
                rows.append(_record(header, cells, numbers, source, line))
            line = block.first + reader.line_num
        yield rows


@dataclass(frozen=True, slots=True)
class _Texts:
    first: int
    texts: list[str]


def _whole_records(lines: Iterator[Lines], source: str) -> Iterator[_Texts]:
    """Lines up to the last that ends a record: outside of quotes, of which there are then as many as a whole."""
    held: list[str] = []
    for block in lines:
        held += [_decoded(text, source, number) for number, text in enumerate(block.texts, start=block.first)]
        first = block.first + len(block.texts) - len(held)
        open_quotes = accumulate(text.count('"') for text in held)
        whole = max((place for place, quotes in enumerate(open_quotes, start=1) if quotes % 2 == 0), default=0)
        yield _Texts(first, [f"{text}\n" for text in held[:whole]])
        held = held[whole:]
        if sum(map(len, held)) > MAX_LINE_BYTES:
            raise InvalidInput(f"{source}, line {first + whole}: a quote that is never closed")
    if held:
        raise InvalidInput(f"{source}: the last quote is never closed")


def _decoded(text: bytes, source: str, line: int) -> str:
    try:
        return text.decode("utf-8-sig" if line == 1 else "utf-8").rstrip("\r")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{source}, line {line} is not UTF-8 text: {error}") from error


def _record(header: Sequence[str], cells: Sequence[str], numbers: frozenset[str], source: str, line: int) -> SourceRow:
    if len(cells) != len(header):
        error = InvalidInput(f"a row of {len(cells)} under a header of {len(header)}")
        return SourceRow(None, source, line, error=error)
    record = {name: _cell(cell, name in numbers) for name, cell in zip(header, cells, strict=True) if cell}
    return SourceRow(record, source, line)


def _cell(text: str, is_number: bool) -> Any:  # noqa: FBT001 - the two go together
    """A number where one belongs and stands; what is wrong with another text, the gateway says."""
    if not is_number:
        return text
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if math.isfinite(number) else text
    return text
