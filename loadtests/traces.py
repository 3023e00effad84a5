"""Recorded arrivals: moments from a file, one a line, as numbers or JSON objects, or the seconds of an earlier run.

Pure.
"""

import json
from collections.abc import Iterable
from datetime import datetime

import numpy as np

from loadtests.arrivals import Seconds
from loadtests.run_result import Interval

KEYS = ("at_seconds", "timestamp", "time", "ts")
"""Of a line's JSON object, the first that is there: seconds, or a date and time in ISO 8601."""


def trace_arrivals(text: str) -> Seconds:
    """Rising moments from 0 on, in seconds after the first of the trace; empty lines and those with `#` do not count.

    Raises ValueError with the line's number for one that is no moment, and for a trace without any.
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    moments = [_moment(number, line) for number, line in lines if line and not line.startswith("#")]
    if not moments:
        raise ValueError("the trace has no moments")
    found = np.sort(np.array(moments))
    return np.asarray(found - found[0])


def interval_arrivals(intervals: Iterable[Interval], seed: int) -> Seconds:
    """As many in each second as an earlier run sent in it, spread over it by chance, from the first second on.

    Raises ValueError when it sent none.
    """
    random = np.random.default_rng(seed)
    parts = [np.sort(random.random(each.sent)) + each.at_seconds for each in intervals]
    found = np.concatenate(parts) if parts else np.zeros(0)
    if not len(found):
        raise ValueError("the run has no seconds in which anything was sent")
    return np.asarray(np.sort(found) - np.floor(found.min()))


def at_rate(due: Seconds, per_second: float) -> Seconds:
    """The same pattern, stretched or squeezed to this mean rate."""
    span = float(due[-1]) if len(due) else 0.0
    return due * (len(due) / per_second / span) if span else due


def _moment(number: int, line: str) -> float:
    try:
        read = json.loads(line)
    except ValueError:
        read = line
    value = next((read[key] for key in KEYS if key in read), None) if isinstance(read, dict) else read
    moment = _seconds(value)
    if moment is None or not np.isfinite(moment):
        keys = ", ".join(KEYS)
        raise ValueError(
            f"line {number} of the trace: {line[:60]!r} is no moment: a number of seconds, ISO 8601, {keys}"
        )
    return moment


def _seconds(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).timestamp()
        except ValueError:
            return None
    return None
