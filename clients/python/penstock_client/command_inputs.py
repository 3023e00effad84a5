"""The INPUT arguments of `penstock predict` to what Client.predict takes.

One JSON document (inline, a .json file or standard input) may hold one row or many, as in a call from Python.
Several INPUTs, and the lines of an .ndjson file, are one row each; `name=value` pairs form one record together.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock_client.errors import InvalidInput
from penstock_client.files import read_file

IMAGES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
LINES = frozenset({".ndjson", ".jsonl"})

_PAIR = re.compile(r"(?P<name>[A-Za-z_][\w.-]*)=(?P<value>.*)", re.DOTALL)


class WrongUse(Exception):
    """The arguments themselves are at fault; the command line answers with its usage."""


@dataclass(frozen=True, slots=True)
class CommandInputs:
    """`names` says where each row came from, to stand before its prediction; empty when that helps nobody."""

    inputs: Any
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows of one argument. What is `whole` is handed on as it is when alone: one row, or a document of many."""

    rows: list[Any]
    whole: bool = True


def read_inputs(arguments: Sequence[str], read_stdin: Callable[[], str]) -> CommandInputs:
    """Raises WrongUse for arguments that make no sense, InvalidInput for a file that cannot be read or parsed."""
    pairs = [match for argument in arguments if (match := _PAIR.fullmatch(argument))]
    if pairs:
        return CommandInputs(_record(pairs, arguments))
    parts = [_part(argument, read_stdin) for argument in arguments]
    if len(parts) == 1 and parts[0].whole:
        return CommandInputs(parts[0].rows[0])
    rows = [row for part in parts for row in part.rows]
    names = tuple(map(str, rows)) if all(isinstance(row, Path) for row in rows) else ()
    return CommandInputs(rows, names)


def _record(pairs: Sequence[re.Match[str]], arguments: Sequence[str]) -> dict[str, Any]:
    if len(pairs) < len(arguments):
        raise WrongUse("name=value pairs form one record together; no other INPUT can stand beside them")
    record = {pair["name"]: _value(pair["value"]) for pair in pairs}
    if len(record) < len(pairs):
        raise WrongUse("a name stands twice among the name=value pairs")
    return record


def _part(argument: str, read_stdin: Callable[[], str]) -> _Part:
    suffix = Path(argument).suffix.lower()
    if argument == "-":
        return _document_or_lines(read_stdin(), "standard input")
    if argument.startswith(("{", "[", '"')):
        return _Part([_inline(argument)])
    if suffix == ".json":
        return _Part([_parsed(_text_of(argument), argument)])
    if suffix in LINES:
        return _lines(_text_of(argument), argument)
    if suffix in IMAGES:
        return _Part([Path(argument)])
    return _Part([_value(argument)])


def _value(text: str) -> Any:
    """JSON where it is JSON, the text itself where it is not: `59`, `true`, `[1, 2]`, but also `high`."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _inline(argument: str) -> Any:
    try:
        return json.loads(argument)
    except ValueError as error:
        raise WrongUse(f"{argument[:60]!r} is not JSON: {error}") from error


def _document_or_lines(text: str, source: str) -> _Part:
    try:
        return _Part([json.loads(text)])
    except ValueError:
        return _lines(text, source)


def _lines(text: str, source: str) -> _Part:
    numbered = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    return _Part([_parsed(line, f"{source}, line {number}") for number, line in numbered], whole=False)


def _text_of(path: str) -> str:
    try:
        return read_file(path).decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 text: {error}") from error


def _parsed(text: str, source: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"{source} is not JSON: {error}") from error
