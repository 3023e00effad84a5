"""Where a value stands on an axis, and which values are written beside it. Pure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loadtests.report.words import brief

Told = Callable[[float], str]
NICE_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
WANTED_TICKS = 5
LOGARITHMIC_FROM = 20.0
"""Times the least value that the greatest must be, so that the worst requests do not flatten the rest."""
CROWDED_FROM = 1_000
"""Requests from which the mark of 0 % would run into that of 50 %."""
PERCENTS = (0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999, 99.9999)


@dataclass(frozen=True, slots=True)
class Tick:
    value: float
    label: str


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from `low` to `high`; a logarithmic one has `low` above 0."""

    low: float
    high: float
    is_logarithmic: bool
    ticks: tuple[Tick, ...]

    def place(self, value: float) -> float:
        """0 at `low`, 1 at `high`; what lies beyond is put at the end."""
        if self.is_logarithmic:
            value = max(value, self.low)
            part = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return min(1.0, max(0.0, part))


def linear_scale(highest: float, told: Told) -> Scale:
    """From 0 to a round number at or above `highest`."""
    step = _nice_step(highest / WANTED_TICKS) if highest > 0 else 1.0
    count = max(1, math.ceil(highest / step - 1e-9))
    values = [number * step for number in range(count + 1)]
    return Scale(0.0, values[-1], is_logarithmic=False, ticks=_ticks(values, told))


def time_scale(seconds: float, unit_seconds: float, told: Told) -> Scale:
    """From 0 to `seconds` exactly, marked in round numbers of a unit."""
    whole = max(seconds, 1e-9) / unit_seconds
    step = _nice_step(whole / WANTED_TICKS)
    values = [number * step for number in range(math.floor(whole / step + 1e-9) + 1)]
    ticks = tuple(Tick(value * unit_seconds, brief(told(value))) for value in values)
    return Scale(0.0, whole * unit_seconds, is_logarithmic=False, ticks=ticks)


def logarithmic_scale(lowest: float, highest: float, told: Told) -> Scale:
    """From the 1, 2 or 5 below `lowest`, which is above 0, to the one above `highest`."""
    low, high = _step_of_125(lowest, up=False), _step_of_125(highest, up=True)
    if low == high:
        high = low * 2
    decades = range(math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9) + 1)
    factors = (1.0,) if len(decades) > 4 else (1.0, 3.0) if len(decades) > 3 else (1.0, 2.0, 5.0)
    values = [factor * 10.0**decade for decade in decades for factor in factors]
    within = [value for value in values if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
    return Scale(low, high, is_logarithmic=True, ticks=_ticks(within, told))


def value_scale(values: Sequence[float], told: Told) -> Scale:
    """From 0, unless the greatest of `values` dwarfs the least: then logarithmic."""
    above = [value for value in values if value > 0]
    if above and max(above) / min(above) > LOGARITHMIC_FROM:
        return logarithmic_scale(min(above), max(above), told)
    return linear_scale(max(above, default=0.0), told)


def percentile_scale(count: int) -> Scale:
    """HdrHistogram's axis: 1/(1-p) on a logarithmic scale, so that each further nine takes the same room.

    It ends at one request in `count`. Values on it are the 1/(1-p) of `tail_of`.
    """
    end = max(2.0, float(count))
    marked = PERCENTS if end < CROWDED_FROM else PERCENTS[1:]
    ticks = (Tick(tail_of(percent), f"{percent:g} %") for percent in marked)
    return Scale(1.0, end, is_logarithmic=True, ticks=tuple(tick for tick in ticks if tick.value <= end * (1 + 1e-9)))


def tail_of(percent: float) -> float:
    """1/(1-p): of so many requests one is slower. `percent` is below 100."""
    return 100.0 / (100.0 - percent)


def _ticks(values: Sequence[float], told: Told) -> tuple[Tick, ...]:
    return tuple(Tick(value, brief(told(value))) for value in values)


def _nice_step(least: float) -> float:
    magnitude = 10.0 ** math.floor(math.log10(least))
    return next(nice for nice in NICE_STEPS if nice * magnitude >= least * (1 - 1e-9)) * magnitude


def _step_of_125(value: float, *, up: bool) -> float:
    magnitude = 10.0 ** math.floor(math.log10(value) + 1e-12)
    steps = (1.0, 2.0, 5.0, 10.0)
    if up:
        return next(step for step in steps if step * magnitude >= value * (1 - 1e-9)) * magnitude
    return next(step for step in reversed(steps) if step * magnitude <= value * (1 + 1e-9)) * magnitude
