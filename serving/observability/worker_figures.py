"""Figures of each worker by itself, with a `worker` label: process, garbage collector, starts and requests.

A gateway of one process is worker 0. Any worker can answer for all: what is not in shared memory is in /proc.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from serving.observability.board import Row
from serving.observability.cells import Key, Record
from serving.observability.families import FORGOTTEN, REQUEST, counter, gauge, requests
from serving.observability.ledger import Ledger

_COLLECTIONS = (
    ("python_gc_collections", "How often this generation was collected."),
    ("python_gc_objects_collected", "Objects freed by the garbage collector."),
    ("python_gc_objects_uncollectable", "Objects that the garbage collector could not free."),
)


@dataclass(frozen=True, slots=True)
class WorkerFigures(Collector):
    ledger: Ledger

    def collect(self) -> Iterator[Metric]:
        rows, live = self.ledger.board.rows(), self.ledger.board.live()
        yield gauge("penstock_workers", "Workers that are alive.", (), {(): float(len(live))})
        starts: dict[Key, float] = {(str(number),): float(row.starts) for number, row in rows.items()}
        yield counter("penstock_worker_starts", "How often a worker was started.", ("worker",), starts)
        answered: dict[Key, float] = {(str(n),): _answered(records) for n, records in enumerate(self.ledger.read())}
        yield counter("penstock_worker_requests", "Requests answered by a worker.", ("worker",), answered)
        yield from _collections(live)
        yield from _processes(live)


def _answered(records: Iterable[Record]) -> float:
    """Also by versions that have gone and of which nothing else is told: a counter never falls."""
    total = 0.0
    for (kind, *_), cells in records:
        if kind == REQUEST:
            total += requests(cells.tolist())
        elif kind == FORGOTTEN:
            total += cells[0]
    return total


def _collections(live: dict[int, Row]) -> Iterator[Metric]:
    for place, (name, text) in enumerate(_COLLECTIONS):
        values: dict[Key, float] = {
            (str(generation), str(number)): figures[place]
            for number, row in live.items()
            for generation, figures in enumerate(row.collections)
        }
        yield counter(name, text, ("generation", "worker"), values)


def _processes(live: dict[int, Row]) -> Iterator[Metric]:
    """The Python client's own figures of a process, of every live worker."""
    merged: dict[str, GaugeMetricFamily | CounterMetricFamily] = {}
    for number, row in live.items():
        for metric in ProcessCollector(pid=row.process.__str__, registry=None).collect():
            family = CounterMetricFamily if metric.type == "counter" else GaugeMetricFamily
            found = merged.setdefault(metric.name, family(metric.name, metric.documentation, labels=("worker",)))
            found.add_metric((str(number),), metric.samples[0].value)
    yield from merged.values()
