"""The INPUT arguments of `penstock predict` to rows, read when they are asked for.

A JSON document (inline, a .json file or standard input) holds one row or many, as a call from Python does. Lines of
NDJSON, records of CSV and images are one row each; `name=value` pairs form one record together.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from glob import glob
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

from penstock_client.errors import InvalidInput
from penstock_client.files import open_file, read_file
from penstock_client.inputs import split_rows
from penstock_client.metadata import Feature
from penstock_client.row_reading import (
    MAX_LINE_BYTES,
    Lines,
    ReadBlock,
    SourceRow,
    csv_rows,
    json_rows,
    lines_of,
    parsed,
)

IMAGES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
LINES = frozenset({".ndjson", ".jsonl"})
STANDARD_INPUT = "standard input"

Blocks: TypeAlias = Iterator[list[SourceRow]]

_PAIR = re.compile(r"(?P<name>[A-Za-z_][\w.-]*)=(?P<value>.*)", re.DOTALL)


class WrongUse(Exception):
    """The arguments themselves are at fault; the command line answers with its usage."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What the rows are read from. `features` asks for the model's, only where a row cannot be told without them."""

    read_stdin: ReadBlock
    features: Callable[[], Sequence[Feature]]
    stdin_is_csv: bool = False


def rows_of(arguments: Sequence[str], sources: Sources) -> Blocks:
    """Raises WrongUse at once for arguments that make no sense, and InvalidInput while reading what cannot be read."""
    pairs = [match for argument in arguments if (match := _PAIR.fullmatch(argument))]
    if pairs:
        return iter([[SourceRow(_record(pairs, arguments))]])
    expanded = [each for argument in arguments for each in _expanded(argument)]
    named = len(expanded) > 1 and all(Path(each).suffix.lower() in IMAGES for each in expanded)
    parts = [_part(argument, sources, named=named, alone=len(expanded) == 1) for argument in expanded]
    return chain.from_iterable(parts)


def _record(pairs: Sequence[re.Match[str]], arguments: Sequence[str]) -> dict[str, Any]:
    if len(pairs) < len(arguments):
        raise WrongUse("name=value pairs form one record together; no other INPUT can stand beside them")
    record = {pair["name"]: _value(pair["value"]) for pair in pairs}
    if len(record) < len(pairs):
        raise WrongUse("a name stands twice among the name=value pairs")
    return record


def _expanded(argument: str) -> list[str]:
    """A folder's images and a pattern's files, by name; anything else, and a pattern of no file, as it stands."""
    if argument.startswith(("{", "[", '"')) or argument == "-":
        return [argument]
    if Path(argument).is_dir():
        images = sorted(str(path) for path in Path(argument).iterdir() if path.suffix.lower() in IMAGES)
        if not images:
            raise WrongUse(f"the folder {argument} holds no images ({', '.join(sorted(IMAGES))})")
        return images
    return sorted(glob(argument, recursive=True)) or [argument]  # noqa: PTH207 - Path.glob takes no absolute patterns


def _part(argument: str, sources: Sources, *, named: bool, alone: bool) -> Blocks:
    if argument == "-":
        return _standard_input(sources)
    if argument.startswith(("{", "[", '"')):
        return _document(_inline(argument), sources, alone=alone)
    suffix = Path(argument).suffix.lower()
    if suffix in IMAGES:
        return iter([[SourceRow(Path(argument), name=argument if named else "")]])
    return _file(argument, suffix, sources, alone=alone) or iter([[SourceRow(_value(argument))]])


def _file(path: str, suffix: str, sources: Sources, *, alone: bool) -> Blocks | None:
    """None for what is no file of rows."""
    if suffix == ".json":
        return _json_file(path, sources, alone=alone)
    if suffix in LINES:
        return _lines_file(path)
    return _csv_file(path, sources) if suffix == ".csv" else None


def _value(text: str) -> Any:
    """JSON where it is JSON, the text itself where it is not: `59`, `true`, `[1, 2]`, but also `high`."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _inline(argument: str) -> Any:
    try:
        return parsed(argument)
    except ValueError as error:
        raise WrongUse(f"{argument[:60]!r} is not JSON: {error}") from error


def _document(document: Any, sources: Sources, *, alone: bool, source: str = "") -> Blocks:
    """One row or many; beside others it is one."""
    if not alone or not isinstance(document, list):
        yield [SourceRow(document, source)]
        return
    rows = split_rows(document, sources.features())
    instances = document if rows.many else [document]
    yield [SourceRow(row, source and f"{source}, row {number}") for number, row in enumerate(instances)]


def _json_file(path: str, sources: Sources, *, alone: bool) -> Blocks:
    try:
        document = parsed(read_file(path))
    except ValueError as error:
        raise InvalidInput(f"{path} is not JSON: {error}") from error
    yield from _document(document, sources, alone=alone, source=path)


def _lines_file(path: str) -> Blocks:
    with open_file(path) as file:
        yield from json_rows(lines_of(file.read, path), path)


def _csv_file(path: str, sources: Sources) -> Blocks:
    with open_file(path) as file:
        yield from csv_rows(lines_of(file.read, path), path, sources.features())


def _standard_input(sources: Sources) -> Blocks:
    lines = lines_of(sources.read_stdin, STANDARD_INPUT)
    if sources.stdin_is_csv:
        return csv_rows(lines, STANDARD_INPUT, sources.features())
    return _document_or_lines(lines, sources)


def _document_or_lines(lines: Iterator[Lines], sources: Sources) -> Blocks:
    """A first line that is a record or a value is a row, and so are those after it.

    One that is a list waits for a second line: alone it is a document. One that is no JSON begins a document.
    """
    held: list[Lines] = []
    for block in lines:
        held.append(block)
        texts = [text for each in held for text in each.texts if text.strip()]
        if texts and _is_row(texts[0], alone=len(texts) == 1):
            yield from json_rows(chain(held, lines), STANDARD_INPUT)
            return
        if sum(len(text) for text in texts) > MAX_LINE_BYTES:
            break
    whole = b"\n".join(text for each in held for text in each.texts)
    if not whole.strip():
        return
    try:
        document = parsed(whole)
    except ValueError:  # lines after all, the first of them broken
        yield from json_rows(chain(held, lines), STANDARD_INPUT)
        return
    yield from _document(document, sources, alone=True)


def _is_row(text: bytes, *, alone: bool) -> bool:
    try:
        found = parsed(text)
    except ValueError:
        return False
    return not (alone and isinstance(found, list))
