"""One line for each event of the log, for people or for programs: the same fields in both, always in the same order.

Pure but for `logging`'s own records. A field is a fact with its unit in its name; there is no field that holds a
header, a query string or a body, so none of them can get into a line.
"""

import json
import logging
import traceback
from collections.abc import Mapping
from typing import Literal

import orjson

from serving.observability.wall_clock import iso_utc

Fields = Mapping[str, object]
Style = Literal["json", "text"]
_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
"""What `logging` gives every record; `color_message` is uvicorn's second telling of the same."""


class LineFormatter(logging.Formatter):
    """Formats the records of every library alike. `process` names this process where there are several.

    What a caller gives as `extra` becomes fields of its own; `event` names what happened, so that nobody has to search
    for words.
    """

    def __init__(self, style: Style, process: str = "") -> None:
        super().__init__()
        self._line_style, self._process = style, process

    def format(self, record: logging.LogRecord) -> str:
        given = {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
        fields: dict[str, object] = {
            "time": iso_utc(record.created),
            "level": record.levelname.lower(),
            "event": given.pop("event", "log"),
            **({"process": self._process} if self._process else {}),
            "logger": record.name,
            "message": record.getMessage(),
            **given,
        }
        if record.exc_info and record.exc_info[0] is not None:
            fields["exception"] = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        return line_of(fields, self._line_style)


def line_of(fields: Fields, style: Style) -> str:
    """Without the line's end. A line is one line, whatever is in it; an exception's text follows it, indented."""
    return _json(fields) if style == "json" else _text(fields)


def _json(fields: Fields) -> str:
    try:
        return orjson.dumps(fields, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # a path that is no UTF-8, a number of more than 64 bits
        return json.dumps(fields, default=str, separators=(",", ":"), skipkeys=True)


def _text(fields: Fields) -> str:
    """`time LEVEL process logger: message`, and then whatever else there is as name=value."""
    rest = dict(fields)
    time, level = str(rest.pop("time")), str(rest.pop("level")).upper()
    event, process, logger = rest.pop("event"), rest.pop("process", ""), rest.pop("logger", "")
    message, exception = rest.pop("message", None), str(rest.pop("exception", ""))
    named = " ".join(f"{name}={_shown(value)}" for name, value in rest.items() if value is not None)
    said = f"{logger}: {_plain(str(message))}" if message is not None else str(event)
    parts = [time, level, str(process), said, named]
    below = "".join(f"\n  {_plain(line)}" for line in exception.split("\n")) if exception else ""
    return " ".join(part for part in parts if part) + below


def _shown(value: object) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    return repr(text) if " " in text or not text.isprintable() else text


def _plain(text: str) -> str:
    """What would end the line, or move a terminal's cursor, is shown by its number."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def style_of(log_format: str, *, is_terminal: bool) -> Style:
    """`auto` is for people at a terminal and for programs everywhere else."""
    if log_format == "auto":
        return "text" if is_terminal else "json"
    return "text" if log_format == "text" else "json"
