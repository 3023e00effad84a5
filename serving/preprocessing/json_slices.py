"""Large JSON, read a piece at a time: one call into a parser keeps Python's lock from its begin to its end, and with it
everybody else. Between two pieces others run.

Pure. Where to cut is found by numpy, which holds no lock. Cuts in the wrong place could only refuse what is valid: a
container's pieces are all parsed, each within its brackets, so what is no JSON is refused wherever it is cut.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import orjson

from serving.contract.tensors import Array
from serving.errors import PayloadTooLarge

PIECE_BYTES = 128 * 1024
"""A piece is parsed in a few milliseconds, whatever is in it."""
MOST_CONTAINERS = 1_000_000
"""Lists and objects of one document: some 80 MB of memory, however few bytes they are written with."""
MOST_LEVELS = 40
"""Of containers around more than a piece. An array has 32 dimensions."""
_BLANK = b" \t\r\n"
_SPACE = re.compile(rb"[ \t\r\n]*")
_COLON = re.compile(rb"[ \t\r\n]*:")
_CLOSING = {ord("["): ord("]"), ord("{"): ord("}")}


class _Document(NamedTuple):
    """`plain` is the text without escapes, as long as it; `levels` says of each comma between values how many
    containers are around it, of all other bytes 0.
    """

    text: bytes
    plain: bytes
    levels: Array
    read: Callable[[bytes], Any]
    piece_bytes: int


def read_sliced(text: bytes, read: Callable[[bytes], Any], piece_bytes: int = PIECE_BYTES) -> Any:
    """The value, of which `read` parses the pieces. Raises what `read` does, orjson.JSONDecodeError, and
    PayloadTooLarge for more lists and objects than any array needs.
    """
    plain = text.replace(b"\\\\", b"__").replace(b'\\"', b"__") if b"\\" in text else text
    return _value(_Document(text, plain, _levels(plain), read, piece_bytes), 0, len(text), 0)


def _levels(plain: bytes) -> Array:
    raw = np.frombuffer(plain, np.uint8)
    outside = (np.cumsum(raw == ord('"'), dtype=np.uint8) & 1) == 0
    folded = raw | 0x20  # which makes one of both kinds of brackets
    opens, closes = (folded == ord("{")) & outside, (folded == ord("}")) & outside
    containers = int(np.count_nonzero(opens))
    if containers > MOST_CONTAINERS:
        raise PayloadTooLarge(
            f"the JSON has {containers} lists and objects, of which {MOST_CONTAINERS} are read at most; "
            "send fewer rows, or arrays as application/x-npy"
        )
    depth = np.cumsum(opens.view(np.int8) - closes.view(np.int8), dtype=np.int16)
    depth *= (raw == ord(",")) & outside
    return depth


def _value(document: _Document, start: int, stop: int, level: int) -> Any:
    text = document.text
    if stop - start <= document.piece_bytes:
        return document.read(text[start:stop])
    start = _SPACE.match(text, start, stop).end()  # type: ignore[union-attr]  # which matches nothing, too
    stop = start + len(text[start:stop].rstrip(_BLANK))
    closing = _CLOSING.get(text[start]) if stop > start else None
    if closing is None:
        return document.read(text[start:stop])
    if text[stop - 1] != closing or stop - start < 2:
        raise orjson.JSONDecodeError("a list or an object is not closed", "", 0)
    if level >= MOST_LEVELS:
        raise orjson.JSONDecodeError("a large document is nested too deeply", "", 0)
    return _list(document, start, stop, level) if closing == ord("]") else _object(document, start, stop, level)


def _list(document: _Document, start: int, stop: int, level: int) -> list[Any]:
    values: list[Any] = []
    for begin, end in _pieces(document, start + 1, stop - 1, level + 1):
        if end - begin <= document.piece_bytes:
            values += document.read(b"[" + document.text[begin:end] + b"]")
        else:
            values.append(_value(document, begin, end, level + 1))
    return values


def _object(document: _Document, start: int, stop: int, level: int) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for begin, end in _pieces(document, start + 1, stop - 1, level + 1):
        if end - begin <= document.piece_bytes:
            values |= document.read(b"{" + document.text[begin:end] + b"}")
        else:
            name, value = _member(document, begin, end)
            values[name] = _value(document, value, end, level + 1)
    return values


def _member(document: _Document, begin: int, end: int) -> tuple[str, int]:
    """A member's name and where its value begins."""
    first = _SPACE.match(document.text, begin, end).end()  # type: ignore[union-attr]  # which matches nothing, too
    last = document.plain.find(b'"', first + 1, end)
    colon = _COLON.match(document.text, last + 1, end)
    if document.plain[first] != ord('"') or last < 0 or colon is None:
        raise orjson.JSONDecodeError("an object has a member without a name", "", 0)
    return str(orjson.loads(document.text[first : last + 1])), colon.end()


def _pieces(document: _Document, begin: int, stop: int, level: int) -> Iterator[tuple[int, int]]:
    """Runs of a container's values, each of a piece at most, or one value that is larger."""
    commas = np.flatnonzero(document.levels[begin:stop] == level) + begin
    if not len(commas) and not document.text[begin:stop].strip(_BLANK):
        return
    while True:
        end, following = stop, int(np.searchsorted(commas, begin + document.piece_bytes, "right"))
        if stop - begin > document.piece_bytes:
            first = int(np.searchsorted(commas, begin))
            last = following - 1 if following > first else first
            end = int(commas[last]) if last < len(commas) else stop
        if not document.text[begin:end].strip(_BLANK):
            raise orjson.JSONDecodeError("a value is missing between commas or brackets", "", 0)
        yield begin, end
        if end == stop:
            return
        begin = end + 1
