"""When requests come, seeded: at random, in spells, in clumps, or like clockwork.

Pure. Rates are requests a second; every stream is in the order of its arrivals.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from math import log
from random import Random

from serving.batching.events import Lane

BUSY, CALM = 5 / 3, 1 / 3
"""Rates of the two spells of a bursty stream, of its mean rate; spells of both kinds last equally long on average."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that comes at `at_seconds` and is worth answering for `patience_seconds`."""

    at_seconds: float
    patience_seconds: float
    rows: int = 1
    model: str = "m"
    lane: Lane = Lane.NORMAL
    tenant: str = ""

    @property
    def deadline_seconds(self) -> float:
        return self.at_seconds + self.patience_seconds


def constant(rate: float, start: float = 0.0) -> Iterator[float]:
    number = 1
    while True:
        yield start + number / rate
        number += 1


def poisson(rate: float, seed: int, start: float = 0.0) -> Iterator[float]:
    random, now = Random(seed), start
    while True:
        now += random.expovariate(rate)
        yield now


def bursty(rate: float, seed: int, spell_seconds: float, start: float = 0.0) -> Iterator[float]:
    """A Markov-modulated Poisson process of two states, busy and calm, with spells of `spell_seconds` on average."""
    random, now, busy = Random(seed), start, True
    spell_ends = now + random.expovariate(1 / spell_seconds)
    while True:
        after = now + random.expovariate(rate * (BUSY if busy else CALM))
        if after < spell_ends:
            now = after
            yield now
        else:  # exponential times have no memory: draw anew from the change of state on
            now, busy = spell_ends, not busy
            spell_ends = now + random.expovariate(1 / spell_seconds)


def clumped(rate: float, seed: int, mean_size: float, start: float = 0.0) -> Iterator[float]:
    """Groups that come at one instant: Poisson in time, sizes geometric with mean `mean_size` (> 1)."""
    random, now = Random(seed), start
    while True:
        now += random.expovariate(rate / mean_size)
        size = 1 + int(log(1.0 - random.random()) / log(1 - 1 / mean_size))
        yield from (now for _ in range(size))


def requests(
    times: Iterator[float],
    number: int,
    patience_seconds: float,
    *,
    rows: int = 1,
    model: str = "m",
    lane: Lane = Lane.NORMAL,
    tenant: str = "",
) -> list[Arrival]:
    """The first `number` of `times` as requests that are all alike."""
    return [Arrival(at, patience_seconds, rows, model, lane, tenant) for at in islice(times, number)]


def together(*streams: list[Arrival]) -> list[Arrival]:
    """Several streams as one, in the order of time."""
    return list(merge(*streams, key=lambda arrival: arrival.at_seconds))
