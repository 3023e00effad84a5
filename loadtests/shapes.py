"""How many users there are at each moment of a run. Pure functions of the seconds that have passed."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

STEPS = 5
SPIKE_FROM, SPIKE_TO, SPIKE_BASE = 0.4, 0.6, 0.2
"""Parts of the run between which all users are there, and the part of the users that is there before and after."""
NIGHT = 0.1
"""The part of the users that is awake at the quietest hour of a day."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A shape by name: `part_at(x)` is the part of the users there at the part x of the run, both from 0 to 1."""

    name: str
    summary: str
    seconds: float
    part_at: Callable[[float], float]


def steady(_: float) -> float:
    return 1.0


def ramp(passed: float) -> float:
    """Evenly up, to all of them at the end."""
    return passed


def step(passed: float) -> float:
    """A fifth more at a time: each step lasts long enough to be read by itself."""
    return (min(int(passed * STEPS), STEPS - 1) + 1) / STEPS


def spike(passed: float) -> float:
    """Five times as many at once, for a fifth of the run; what comes after shows how soon the queue is gone."""
    return 1.0 if SPIKE_FROM <= passed < SPIKE_TO else SPIKE_BASE


def diurnal(passed: float) -> float:
    """A day from midnight to midnight in one run, as a cosine: the fewest at its ends, all of them at noon."""
    return NIGHT + (1 - NIGHT) * (1 - math.cos(2 * math.pi * passed)) / 2


SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        each.name: each
        for each in (
            Scenario("steady", "all users all the time", 60, steady),
            Scenario("ramp", "evenly up from one user to all", 120, ramp),
            Scenario("step", "up in five steps", 150, step),
            Scenario("spike", "a fifth of the users, all at once for a fifth of the time, a fifth again", 100, spike),
            Scenario("soak", "all users for half an hour: what grows or slows down is found", 1800, steady),
            Scenario("diurnal", "a day in five minutes: a tenth at night, all at noon", 300, diurnal),
        )
    }
)


def users_at(scenario: Scenario, passed_seconds: float, *, users: int, seconds: float) -> int | None:
    """At least one of `users` while the run of `seconds` goes on, None when it is over."""
    if passed_seconds >= seconds:
        return None
    return max(1, round(users * scenario.part_at(max(0.0, passed_seconds) / seconds)))
