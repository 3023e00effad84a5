"""Versions that have gone are shown for a while longer, so that their last figures are scraped, and then no more: who
publishes every hour would have ten thousand series after some months.

What was counted is kept: a version that comes back goes on counting where it ended.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TypeAlias

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from serving.observability.cells import Key
from serving.observability.families import (
    ARRIVED,
    BATCH,
    DRIFT,
    NON_FINITE,
    REQUEST,
    SHADOW,
    SHED,
    VERSION,
    Sums,
    families,
    summed,
)
from serving.observability.ledger import Ledger

SHOWN_SECONDS = 180.0
"""After a version has gone: three scrapes a minute apart. Each version shown costs a scrape a millisecond."""
OF_VERSIONS = frozenset({ARRIVED, BATCH, DRIFT, NON_FINITE, REQUEST, SHADOW, SHED, VERSION})
"""Kinds of records whose labels begin with a model and its version."""

Version: TypeAlias = tuple[str, str]


class Departed:
    """Remembers when each version was there last. `seconds` of the methods are on one clock. Pure."""

    def __init__(self) -> None:
        self._last_there: dict[Version, float] = {}

    def without(self, sums: Sums, there: AbstractSet[Version], now: float) -> dict[str, Mapping[Key, Sequence[float]]]:
        """`sums` without the versions that have been gone for SHOWN_SECONDS; `there` are those in the catalog now. A
        version never seen there before (a worker's, that ended) counts as seen when its figures are.
        """
        counted = {_version(labels) for kind in OF_VERSIONS for labels in sums[kind]}
        self._last_there = {one: now if one in there else self._last_there.get(one, now) for one in counted}
        gone = {one for one, last in self._last_there.items() if now - last >= SHOWN_SECONDS and one[1]}
        return {kind: _kept(series, gone) if kind in OF_VERSIONS else series for kind, series in sums.items()}


@dataclass(frozen=True, slots=True)
class ShownFigures(Collector):
    """The figures of all workers, for a scrape. `there` gives the models and versions in the catalog."""

    ledger: Ledger
    there: Callable[[], AbstractSet[Version]]
    clock: Callable[[], float] = time.monotonic
    departed: Departed = field(default_factory=Departed)

    def collect(self) -> Iterator[Metric]:
        return families(self.departed.without(summed(self.ledger.read()), self.there(), self.clock()))


def _version(labels: Key) -> Version:
    return labels[0], labels[1]


def _kept(series: Mapping[Key, Sequence[float]], gone: AbstractSet[Version]) -> dict[Key, Sequence[float]]:
    return {labels: cells for labels, cells in series.items() if _version(labels) not in gone}
