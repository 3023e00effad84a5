"""The gateway's metrics: counted while serving, added up over all workers and shown when scraped.

Label values come from live models only, never from a request's text. The methods that count take a handful of numbers
each and find their series by one lookup: what they cost, every request pays (docs/metrics.md has the figures).
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TypeAlias

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from serving.batching.events import SendBatch
from serving.observability.cells import Key, Slot
from serving.observability.families import (
    ARRIVED,
    BACKEND,
    BATCH,
    BATCH_ROWS,
    DECODE,
    ENCODE,
    FORGOTTEN,
    NON_FINITE,
    OF_VERSIONS,
    PADDING,
    QUEUE,
    REJECTED,
    REQUEST,
    ROWS_SUM,
    SECONDS_SUM,
    SIZES,
    TOTAL,
    Version,
    families,
    requests,
    summed,
    version_of,
)
from serving.observability.histogram import ROWS, SECONDS
from serving.observability.ledger import Ledger, private_ledger

UNKNOWN = "_unknown"
"""The model name under which requests for models that do not exist are counted."""

_TOTAL_SUM, _DECODE_SUM, _ENCODE_SUM = TOTAL + SECONDS_SUM, DECODE + SECONDS_SUM, ENCODE + SECONDS_SUM
_QUEUE_SUM, _BACKEND_SUM, _BATCH_ROWS_SUM = QUEUE + SECONDS_SUM, BACKEND + SECONDS_SUM, BATCH_ROWS + ROWS_SUM

RequestSeries: TypeAlias = tuple[str, str, str, str, int | str]
"""Model name, version, signature (both empty where the request never got so far), protocol and code. A bare tuple:
making one and looking it up is most of what counting a request costs.
"""


@dataclass(frozen=True, slots=True)
class Served:
    """Rows sent to the backend, requests answered and their seconds in all; of `queue` and `backend` (calls) the number
    and the seconds.
    """

    rows: int
    answers: int
    answer_seconds: float
    queue: tuple[int, float]
    backend: tuple[int, float]


class RequestMetrics(Collector):
    """Counts requests and batches; a `BatchObserver` for the batcher. For one event loop: no two calls at once."""

    def __init__(self, ledger: Ledger | None = None) -> None:
        self.ledger = ledger or private_ledger()
        self._requests: dict[RequestSeries, Slot] = {}
        self._batches: dict[tuple[str, int, str], Slot] = {}
        self._told: dict[str, Mapping[Key, int]] = {}

    def request_finished(
        self,
        series: RequestSeries,
        total_seconds: float,
        decode_seconds: float | None = None,
        encode_seconds: float | None = None,
    ) -> None:
        """A stage the request never reached is None."""
        if (slot := self._requests.get(series)) is None:
            slot = self._requests[series] = self._slot(REQUEST, *series)
        cells, at = slot
        cells[at + bisect_left(SECONDS, total_seconds)] += 1.0
        cells[at + _TOTAL_SUM] += total_seconds
        if decode_seconds is not None:
            cells[at + DECODE + bisect_left(SECONDS, decode_seconds)] += 1.0
            cells[at + _DECODE_SUM] += decode_seconds
        if encode_seconds is not None:
            cells[at + ENCODE + bisect_left(SECONDS, encode_seconds)] += 1.0
            cells[at + _ENCODE_SUM] += encode_seconds

    def batch_finished(self, batch: SendBatch, backend_seconds: float, queue_seconds: Sequence[float]) -> None:
        target, rows = batch.key.target, batch.rows
        key = (target.model, target.version, target.signature)
        if (slot := self._batches.get(key)) is None:
            slot = self._batches[key] = self._slot(BATCH, *key)
        cells, at = slot
        cells[at + BACKEND + bisect_left(SECONDS, backend_seconds)] += 1.0
        cells[at + _BACKEND_SUM] += backend_seconds
        cells[at + BATCH_ROWS + bisect_left(ROWS, rows)] += 1.0
        cells[at + _BATCH_ROWS_SUM] += rows
        cells[at + PADDING] += batch.padded_rows - rows
        for wait in queue_seconds:
            cells[at + bisect_left(SECONDS, wait)] += 1.0
        cells[at + _QUEUE_SUM] += sum(queue_seconds)

    def request_rejected(self, model_name: str, reason: str) -> None:
        """A request refused by its error's name: before it ran, or instead of running."""
        self._count(REJECTED, model_name, reason)

    def non_finite_output(self, model_name: str, model_version: str) -> None:
        self._count(NON_FINITE, model_name, model_version)

    def version_arrived(self, model_name: str, model_version: str, seconds: float) -> None:
        """A version went live at this worker, so many seconds after it was made."""
        cells, at = self._slot(ARRIVED, model_name, model_version)
        cells[at] += 1.0
        cells[at + 1] += seconds

    def so_far(self, kind: str, totals: Mapping[Key, int]) -> None:
        """Of a kind that is counted elsewhere, what this process has in all, by label set. One that is left out begins
        anew when it comes again.
        """
        told = self._told.get(kind, {})
        for labels, total in totals.items():
            if total != told.get(labels):
                cells, at = self._slot(kind, *labels)
                cells[at] += max(0, total - told.get(labels, 0))
        self._told[kind] = totals

    def versions(self) -> set[Version]:
        """Of which this process has counted anything."""
        return {version_of(labels) for kind, *labels in self.ledger.own if kind in OF_VERSIONS}

    def forget(self, gone: AbstractSet[Version], now: float) -> None:
        """What this process counted of versions that have gone; only how many requests it answered stays."""
        own = self.ledger.own
        over = [key for key in own if key[0] in OF_VERSIONS and version_of(key[1:]) in gone]
        answered, at = self._slot(FORGOTTEN)
        for key in over:
            if key[0] == REQUEST:
                cells, start = own.slot(key, SIZES[REQUEST])
                answered[at] += requests(cells[start : start + SIZES[REQUEST]].tolist())
        own.free(over, now)
        if over:
            self._requests = {key: slot for key, slot in self._requests.items() if key[:2] not in gone}
            self._batches = {key: slot for key, slot in self._batches.items() if (key[0], str(key[1])) not in gone}

    def served(self, model_name: str, model_version: str) -> "Served":
        """What one version has done since the gateway started, over all workers, signatures and protocols."""
        version, sums = (model_name, model_version), summed(self.ledger.read())
        asked = {key: cells for key, cells in sums[REQUEST].items() if key[:2] == version}
        batches = [cells for key, cells in sums[BATCH].items() if key[:2] == version]
        return Served(
            rows=int(sum(cells[_BATCH_ROWS_SUM] for cells in batches)),
            answers=int(sum(requests(cells) for key, cells in asked.items() if key[-1] in ("200", "OK"))),
            answer_seconds=sum(cells[_TOTAL_SUM] for cells in asked.values()),
            queue=_count_and_sum(batches, QUEUE),
            backend=_count_and_sum(batches, BACKEND),
        )

    def collect(self) -> Iterator[Metric]:
        return families(summed(self.ledger.read()))

    def _count(self, kind: str, *labels: str) -> None:
        cells, at = self._slot(kind, *labels)
        cells[at] += 1.0

    def _slot(self, kind: str, *labels: int | str) -> Slot:
        return self.ledger.own.slot((kind, *map(str, labels)), SIZES[kind])


def _count_and_sum(batches: Sequence[Sequence[float]], start: int) -> tuple[int, float]:
    """How many values the histograms that begin at `start` have, and their sum."""
    counted = sum(sum(cells[start : start + SECONDS_SUM]) for cells in batches)
    return int(counted), sum(cells[start + SECONDS_SUM] for cells in batches)


class Gauges(Collector):
    """Figures that are read from the running parts at the moment of the scrape."""

    def __init__(self, read: Callable[[], Sequence[Metric]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        yield from self._read()
