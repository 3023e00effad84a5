"""The log's handler: nobody waits for it, and what is lost is said."""

import json
import logging
import threading
from collections.abc import Callable

from serving.observability.log_lines import LineFormatter
from serving.observability.threaded_log import MOST_LINES, ThreadedHandler

SECONDS = 10.0


def handler(write: Callable[[bytes], object]) -> ThreadedHandler:
    return ThreadedHandler(LineFormatter("json"), write)


def record(message: object) -> logging.LogRecord:
    return logging.LogRecord("serving", logging.INFO, "x.py", 1, message, (), None)


def test_lines_are_written_in_order_by_the_time_it_is_closed() -> None:
    written: list[bytes] = []
    log = handler(written.append)
    for number in range(100):
        log.handle(record(str(number)))
    log.close()
    assert [json.loads(line)["message"] for line in written] == [str(number) for number in range(100)]


def test_whoever_logs_does_not_wait_for_a_reader_and_what_is_lost_is_said() -> None:
    written: list[bytes] = []
    is_writing, is_read, is_through = threading.Event(), threading.Event(), threading.Event()

    def write(line: bytes) -> None:
        is_writing.set()
        assert is_read.wait(SECONDS)
        written.append(line)
        if len(written) > MOST_LINES:
            is_through.set()

    log = handler(write)
    log.handle(record("first"))
    assert is_writing.wait(SECONDS)
    for number in range(MOST_LINES + 7):
        log.handle(record(str(number)))
    is_read.set()
    assert is_through.wait(SECONDS)
    log.handle(record("last"))
    log.close()
    lines = [json.loads(line) for line in written]
    assert [(line["event"], line.get("lines")) for line in lines[-2:]] == [("log_lost", 7), ("log", None)]
    assert (lines[0]["message"], lines[-1]["message"]) == ("first", "last")


def test_a_log_that_cannot_be_written_ends_nothing() -> None:
    written: list[bytes] = []

    def write(line: bytes) -> None:
        if b"broken" in line:
            raise BrokenPipeError
        written.append(line)

    log = handler(write)
    for message in ("broken", "whole"):
        log.handle(record(message))
    log.close()
    assert b"whole" in written[-1]
