"""A streamed answer: one line a row, NDJSON or CSV, and the line that ends it where a row fails.

Pure. A line of NDJSON is what would stand in `predictions`; CSV has a header and a column a number.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import orjson

from serving.backend_protocol import Arrays
from serving.contract.tensors import Array
from serving.errors import InvalidInput, PenstockError
from serving.rest.error_responses import error_body
from serving.rest.predict_answer import jsonable, records

NDJSON, CSV = "application/x-ndjson", "text/csv"
Lines: TypeAlias = Callable[[Arrays, bool], bytes]
"""The lines of a batch's rows; the flag is true for the first batch."""

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE


def lines_of(media_type: str) -> Lines:
    return csv_lines if media_type == CSV else ndjson_lines


def ndjson_lines(outputs: Arrays, first: bool) -> bytes:  # noqa: ARG001, FBT001 - as `Lines` has it
    if len(outputs) == 1:
        ((name, array),) = outputs.items()
        rows: Any = jsonable(name, array)
    else:
        rows = records(dict(outputs))
    return b"".join(orjson.dumps(row, option=_OPTIONS) for row in rows)


def csv_lines(outputs: Arrays, first: bool) -> bytes:  # noqa: FBT001 - as `Lines` has it
    columns = [column for name, array in outputs.items() for column in _columns(name, array)]
    header = [",".join(_quoted(name) for name, _ in columns).encode()] if first else []
    cells = zip(*(column for _, column in columns), strict=True)
    return b"\n".join((*header, *(b",".join(row) for row in cells), b""))


def _columns(name: str, array: Array) -> Iterator[tuple[str, list[bytes]]]:
    flat = array.reshape(len(array), -1)
    width = flat.shape[1]
    for place in range(width):
        yield (name if width == 1 else f"{name}.{place}"), [_cell(value) for value in flat[:, place]]


def _cell(value: object) -> bytes:
    """Numbers as JSON writes them, nothing for what is not finite; text in quotes where it needs them."""
    if isinstance(value, bytes):
        return _quoted(value.decode("utf-8", "backslashreplace")).encode()
    if isinstance(value, np.float16):
        value = np.float32(value)
    number = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    return b"" if number == b"null" else number


def _quoted(text: str) -> str:
    if any(mark in text for mark in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def last_line(media_type: str, error: PenstockError, request_id: str, answered_rows: int) -> bytes:
    """The error's body as the stream's last line, a comment in CSV; `field` names the row that was not answered."""
    field = error.pointer if isinstance(error, InvalidInput) and error.pointer else f"/rows/{answered_rows}"
    body = error_body(str(error), type(error).__name__, request_id, field)
    return (b"# " if media_type == CSV else b"") + body + b"\n"
