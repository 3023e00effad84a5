"""Figures as a reader wants them: three digits and the unit that fits. Pure."""

import math
import re

NOTHING = "-"
"""For what was not measured."""
_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
_BYTES = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
MINUTE_SECONDS, HOUR_SECONDS = 60.0, 3600.0
MINUTES_FROM, HOURS_FROM = 10 * MINUTE_SECONDS, 3 * HOUR_SECONDS
"""Seconds of a run from which its axis of time counts in minutes, and in hours."""


def digits(value: float | None) -> str:
    """Three significant digits, all of a whole number's, thousands separated."""
    if value is None or math.isnan(value):
        return NOTHING
    if value == 0 or float(value).is_integer():
        return f"{value:,.0f}"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}"


def duration(seconds: float | None) -> str:
    """`1.23 ms`; below a microsecond in its fractions."""
    if seconds is None or math.isnan(seconds):
        return NOTHING
    if seconds == 0:
        return "0"
    scale, unit = next((pair for pair in _UNITS if abs(seconds) >= pair[0] * 0.9995), _UNITS[-1])
    return f"{digits(float(f'{seconds / scale:.3g}'))} {unit}"


def size(number_bytes: float | None) -> str:
    """`398 MiB`."""
    if number_bytes is None or math.isnan(number_bytes):
        return NOTHING
    scale, unit = next((pair for pair in _BYTES if abs(number_bytes) >= pair[0]), (1, "bytes"))
    return f"{digits(number_bytes / scale)} {unit}"


def share(part: float | None) -> str:
    """Of 1, as a percentage; what is little is not rounded to none of it, nor what is almost all to all."""
    if part is None or math.isnan(part):
        return NOTHING
    percent = part * 100
    if 0 < percent < 0.01:
        return "< 0.01 %"
    return f"{math.floor(percent * 100) / 100:.2f} %" if 0 < percent < 100 else f"{percent:.0f} %"


def counted(count: int, thing: str) -> str:
    """`1 request`, `1,258 requests`."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def of_time(seconds: float) -> tuple[float, str]:
    """The seconds of one unit of the axis of a run that took `seconds`, and that unit's name."""
    if seconds >= HOURS_FROM:
        return HOUR_SECONDS, "hours"
    return (MINUTE_SECONDS, "minutes") if seconds >= MINUTES_FROM else (1.0, "seconds")


def brief(told: str) -> str:
    """A figure beside an axis: `1.5 ms` for `1.50 ms`."""
    return re.sub(r"(\.\d*?)0+(?!\d)", lambda found: found[1] if found[1] != "." else "", told)
