"""Versions that have gone are shown for a while longer, so that their last figures are scraped, and then no more; after
an hour what was counted of them is given up, too. Who publishes every hour would have ten thousand series after some
months, and each scrape would read them all.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from serving.observability.cells import Key
from serving.observability.families import OF_VERSIONS, Sums, Version, families, summed, version_of
from serving.observability.ledger import Ledger

SHOWN_SECONDS = 180.0
"""After a version has gone: three scrapes a minute apart. Each version shown costs a scrape a millisecond."""
KEPT_SECONDS = 3600.0
"""After a version has gone: a model server that is away for less has its versions go on counting where they ended."""


class Departed:
    """Remembers when each version was there last. Pure; `now` is of one clock."""

    def __init__(self, after_seconds: float) -> None:
        self._after_seconds = after_seconds
        self._last_there: dict[Version, float] = {}

    def gone(self, counted: Iterable[Version], there: AbstractSet[Version], now: float) -> set[Version]:
        """Of those counted, the versions that have not been `there` for so long. One never seen there before (a
        worker's, that ended) counts as seen when its figures are.
        """
        self._last_there = {one: now if one in there else self._last_there.get(one, now) for one in counted if one[1]}
        return {one for one, last in self._last_there.items() if now - last >= self._after_seconds}


@dataclass(frozen=True, slots=True)
class ShownFigures(Collector):
    """The figures of all workers, for a scrape. `there` gives the models and versions in the catalog."""

    ledger: Ledger
    there: Callable[[], AbstractSet[Version]]
    clock: Callable[[], float] = time.monotonic
    departed: Departed = field(default_factory=lambda: Departed(SHOWN_SECONDS))

    def collect(self) -> Iterator[Metric]:
        sums = summed(self.ledger.read())
        counted = {version_of(labels) for kind in OF_VERSIONS for labels in sums[kind]}
        return families(_without(self.departed.gone(counted, self.there(), self.clock()), sums))


def _without(gone: AbstractSet[Version], sums: Sums) -> dict[str, Mapping[Key, Sequence[float]]]:
    return {
        kind: {labels: cells for labels, cells in series.items() if version_of(labels) not in gone}
        if kind in OF_VERSIONS
        else series
        for kind, series in sums.items()
    }
