"""Which figures there are: the cells of each kind of record, and the Prometheus families made of their sums.

Pure but for Prometheus's own classes. Names and labels are WIRE's (docs/metrics.md).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import add
from typing import TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from serving.observability import drift_cells, version_cells
from serving.observability.cells import Key, Record
from serving.observability.histogram import ROWS, SECONDS, cell_count, cumulative

Sums: TypeAlias = Mapping[str, Mapping[Key, Sequence[float]]]
"""Of each kind of record, the cells of each label set, summed."""
Version: TypeAlias = tuple[str, str]
"""A model and its version, as metrics are labelled."""

REQUEST, BATCH, REJECTED, NON_FINITE = "request", "batch", "rejected", "non_finite"
SHED, CACHE, LENGTH_PADDING = "shed", "cache", "length_padding"
VERSION, SHADOW, ROLLED_BACK, ARRIVED = "version", "shadow", "rolled_back", "arrived"
DROPPED, DRIFT = "dropped", "drift"
FORGOTTEN = "forgotten"
"""Kinds of records: the first part of a record's key; the labels are the rest."""

_SECONDS_CELLS, _ROWS_CELLS = cell_count(SECONDS), cell_count(ROWS)
SECONDS_SUM, ROWS_SUM = _SECONDS_CELLS - 1, _ROWS_CELLS - 1
TOTAL, DECODE, ENCODE = (number * _SECONDS_CELLS for number in range(3))
QUEUE, BACKEND, BATCH_ROWS = (number * _SECONDS_CELLS for number in range(3))
PADDING = BATCH_ROWS + _ROWS_CELLS
SIZES: Mapping[str, int] = {
    REQUEST: 3 * _SECONDS_CELLS,
    BATCH: PADDING + 1,
    REJECTED: 1,
    NON_FINITE: 1,
    SHED: 1,
    CACHE: 1,
    LENGTH_PADDING: 1,
    VERSION: version_cells.SIZE,
    SHADOW: 1,
    ROLLED_BACK: 1,
    DROPPED: 1,
    DRIFT: drift_cells.SIZE,
    ARRIVED: 2,
    FORGOTTEN: 1,
}
"""Cells of each kind. A request's code is among its labels, so that its durations count it too. FORGOTTEN are
requests that a worker answered by versions of which nothing else is kept.
"""
OF_VERSIONS = frozenset({ARRIVED, BATCH, DRIFT, NON_FINITE, REQUEST, SHADOW, SHED, VERSION})
"""Kinds of records whose labels begin with a model and its version."""

_REQUEST_LABELS = ("model_name", "model_version", "signature", "protocol")
_MODEL_LABELS = ("model_name", "model_version", "signature")


@dataclass(frozen=True, slots=True)
class _Histogram:
    name: str
    text: str
    kind: str
    labels: tuple[str, ...]
    start: int
    bounds: tuple[float, ...] = SECONDS


_HISTOGRAMS = (
    _Histogram("request_duration_seconds", "From the request's head to its answer.", REQUEST, _REQUEST_LABELS, TOTAL),
    _Histogram("decode_duration_seconds", "Body to checked arrays.", REQUEST, _REQUEST_LABELS, DECODE),
    _Histogram("encode_duration_seconds", "Arrays to the answer's body.", REQUEST, _REQUEST_LABELS, ENCODE),
    _Histogram("queue_wait_seconds", "Queued until its first rows were sent.", BATCH, _MODEL_LABELS, QUEUE),
    _Histogram("backend_duration_seconds", "One backend call.", BATCH, _MODEL_LABELS, BACKEND),
    _Histogram("batch_rows", "Rows of one backend call.", BATCH, _MODEL_LABELS, BATCH_ROWS, ROWS),
)


def summed(workers: Iterable[Iterable[Record]]) -> dict[str, dict[Key, list[float]]]:
    """The records of all workers in one, those with the same key added up."""
    sums: dict[str, dict[Key, list[float]]] = {kind: {} for kind in SIZES}
    for records in workers:
        for (kind, *labels), cells in records:
            _add(sums[kind], tuple(labels), cells.tolist())
    return sums


def families(sums: Sums) -> Iterator[Metric]:
    yield _counter(
        "requests", "Requests answered.", (*_REQUEST_LABELS, "code"), {k: requests(v) for k, v in sums[REQUEST].items()}
    )
    yield _counter("rejected", "Requests refused, by reason.", ("model_name", "reason"), _first(sums[REJECTED]))
    yield _counter(
        "predictions_rows",
        "Rows sent to the backend.",
        _MODEL_LABELS,
        {key: cells[BATCH_ROWS + ROWS_SUM] for key, cells in sums[BATCH].items()},
    )
    yield _counter(
        "batch_padding_rows",
        "Rows that only filled a batch up to a size the model is called with.",
        _MODEL_LABELS,
        {key: cells[PADDING] for key, cells in sums[BATCH].items()},
    )
    yield _counter(
        "non_finite_outputs",
        "Answers with a NaN or infinite output, sent as null.",
        ("model_name", "model_version"),
        _first(sums[NON_FINITE]),
    )
    yield _counter("shed_requests", "Requests ended by a rule.", (*_MODEL_LABELS, "rule"), _first(sums[SHED]))
    yield _counter(
        "cache_requests", "Requests that a cache answered or passed on.", ("model_name", "outcome"), _first(sums[CACHE])
    )
    yield _counter(
        "length_padding_values",
        "Values filled in to bring rows to one length.",
        ("model_name",),
        _first(sums[LENGTH_PADDING]),
    )
    yield _counter(
        "observations_dropped", "Log lines, traces and logged predictions lost.", ("kind",), _first(sums[DROPPED])
    )
    yield from drift_families(sums)
    yield from traffic_families(sums)
    yield gauge(
        "penstock_model_created_to_live_seconds",
        "From the end of a version's training to its first answer here, the mean over workers.",
        ("model_name", "model_version"),
        {key: seconds / workers for key, (workers, seconds) in sums[ARRIVED].items()},
    )
    for histogram in _HISTOGRAMS:
        yield _histogram_family(histogram, sums[histogram.kind])


def traffic_families(sums: Sums) -> Iterator[Metric]:
    """Of models whose traffic is split or mirrored."""
    version = ("model_name", "model_version")
    outcomes: dict[Key, float] = {}
    for (model, number, _), cells in sums[VERSION].items():
        failed, refused = cells[version_cells.ERRORS], cells[version_cells.REFUSED]
        answered = cells[version_cells.REQUESTS] - failed - refused
        for outcome, count in (("answered", answered), ("error", failed), ("refused", refused)):
            outcomes[model, number, outcome] = outcomes.get((model, number, outcome), 0.0) + count
    yield _counter("traffic_requests", "Requests of split or mirrored traffic.", (*version, "outcome"), outcomes)
    yield _counter("shadow", "Requests mirrored to a version, by result.", (*version, "result"), _first(sums[SHADOW]))
    rolled_back: dict[Key, float] = {}
    for (model, _), cells in sums[ROLLED_BACK].items():
        rolled_back[model,] = rolled_back.get((model,), 0.0) + cells[0]
    yield _counter("canary_rolled_back", "Canaries that the gateway rolled back.", ("model_name",), rolled_back)


def drift_families(sums: Sums) -> Iterator[Metric]:
    """Of models whose requests are sampled for it."""
    labels = ("model_name", "model_version", "feature")
    found: dict[Key, drift_cells.FeatureDrift] = {drift[:3]: drift for drift in drift_cells.read(sums[DRIFT])}
    known = {key: drift.psi for key, drift in found.items() if drift.psi is not None}
    yield gauge("penstock_feature_drift_psi", "Population stability index against the training split.", labels, known)
    rows = {key: float(drift.rows) for key, drift in found.items()}
    yield gauge("penstock_feature_drift_rows", "Sampled rows that the index is of.", labels, rows)


def version_of(labels: Sequence[str]) -> Version:
    """Of a record of one of OF_VERSIONS; the version is empty where a request never got so far."""
    return labels[0], labels[1]


def requests(cells: Sequence[float]) -> float:
    """How many requests a record counts: each has its total duration."""
    return sum(cells[TOTAL : TOTAL + SECONDS_SUM])


def gauge(name: str, text: str, labels: Sequence[str], values: Mapping[Key, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def counter(name: str, text: str, labels: Sequence[str], values: Mapping[Key, float]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _counter(name: str, text: str, labels: Sequence[str], values: Mapping[Key, float]) -> CounterMetricFamily:
    return counter(f"penstock_{name}", text, labels, values)


def _first(series: Mapping[Key, Sequence[float]]) -> dict[Key, float]:
    return {key: cells[0] for key, cells in series.items()}


def _histogram_family(histogram: _Histogram, series: Mapping[Key, Sequence[float]]) -> HistogramMetricFamily:
    """Label sets that differ only in what this histogram does not have, such as the code, are added up."""
    size = cell_count(histogram.bounds)
    merged: dict[Key, list[float]] = {}
    for key, cells in series.items():
        _add(merged, key[: len(histogram.labels)], cells[histogram.start : histogram.start + size])
    family = HistogramMetricFamily(f"penstock_{histogram.name}", histogram.text, labels=histogram.labels)
    for key, (*counts, total) in merged.items():
        if any(counts):
            family.add_metric(key, cumulative(histogram.bounds, counts), total)
    return family


def _add(sums: dict[Key, list[float]], key: Key, cells: Sequence[float]) -> None:
    found = sums.get(key)
    sums[key] = list(cells) if found is None else list(map(add, found, cells))
