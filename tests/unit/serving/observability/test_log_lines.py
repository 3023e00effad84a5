"""The shape of the log's lines, of our own events and of other libraries' records."""

import json
import logging
import sys
from typing import Any

import pytest

from serving.observability.log_lines import LineFormatter, Style, line_of, style_of


def record(message: str, *arguments: object, **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("uvicorn.error", logging.WARNING, "x.py", 1, message, arguments, None)
    made.created = 1_800_000_000.25
    vars(made).update(extra)
    return made


def test_a_line_of_json_has_the_time_the_level_the_event_and_every_extra() -> None:
    line = LineFormatter("json", "worker 1").format(
        record("model %s is live", "digits", event="version_live", version=3)
    )
    assert json.loads(line) == {
        "time": "2027-01-15T08:00:00.250Z",
        "level": "warning",
        "event": "version_live",
        "process": "worker 1",
        "logger": "uvicorn.error",
        "message": "model digits is live",
        "version": 3,
    }


def test_whatever_is_in_a_message_a_line_of_json_is_one_line() -> None:
    line = LineFormatter("json").format(record('a "quote"\nand a line', colour="\x1b[31m"))
    assert "\n" not in line
    assert json.loads(line)["message"] == 'a "quote"\nand a line'


def test_a_line_for_people_is_led_by_time_and_level() -> None:
    line = LineFormatter("text").format(record("out of reach", event="backend_down", address="a b"))
    assert line == "2027-01-15T08:00:00.250Z WARNING uvicorn.error: out of reach address='a b'"


def test_nothing_in_a_line_for_people_can_look_like_another_line_or_reach_the_terminal() -> None:
    made = record("no\n2027 ERROR forged\x1b[2J\u2028", model="a\x1b[31m\rb")
    assert LineFormatter("text").format(made) == (
        "2027-01-15T08:00:00.250Z WARNING uvicorn.error: no\\n2027 ERROR forged\\x1b[2J\\u2028 model='a\\x1b[31m\\rb'"
    )


def test_nor_can_what_an_exception_says() -> None:
    made = record("it failed")
    made.exc_info = (ValueError, ValueError("bad\n2027 ERROR forged\x1b[2J"), None)
    first, *below = LineFormatter("text").format(made).split("\n")
    assert first.endswith("it failed")
    assert below == ["  ValueError: bad", "  2027 ERROR forged\\x1b[2J"]


@pytest.mark.parametrize("value", ["no UTF-8: \udcff", 10**30])
def test_what_the_quick_json_cannot_say_is_said_all_the_same(value: object) -> None:
    assert json.loads(line_of({"value": value}, "json")) == {"value": value}


@pytest.mark.parametrize("style", ["json", "text"])
def test_an_exception_is_part_of_its_line(style: Style) -> None:
    made = record("it failed")
    error = ZeroDivisionError("by nought")
    made.exc_info = (type(error), error, None)
    assert "ZeroDivisionError: by nought" in LineFormatter(style).format(made)


def test_uvicorns_second_telling_is_left_out() -> None:
    assert "color_message" not in json.loads(LineFormatter("json").format(record("up", color_message="UP")))


def test_a_fact_that_json_has_no_word_for_is_written_out() -> None:
    assert json.loads(line_of({"path": sys}, "json"))["path"] == str(sys)


@pytest.mark.parametrize(
    ("asked", "is_terminal", "style"),
    [("auto", True, "text"), ("auto", False, "json"), ("json", True, "json"), ("text", False, "text")],
)
def test_people_are_written_to_at_a_terminal_and_programs_elsewhere(
    asked: str,
    is_terminal: bool,  # noqa: FBT001 - a table's column
    style: str,
) -> None:
    assert style_of(asked, is_terminal=is_terminal) == style
