"""The gateway's metrics: counted in plain objects while serving, turned into Prometheus families when scraped.

Names and labels are WIRE's (docs/metrics.md). Label values come from live models only, never from a request's text.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from serving.batching.events import SendBatch
from serving.observability.histogram import ROWS, SECONDS, Histogram

UNKNOWN = "_unknown"
"""The model name under which requests for models that do not exist are counted."""


@dataclass(frozen=True, slots=True)
class Series:
    """The labels of one request's metrics; empty where the request never got so far."""

    model_name: str
    model_version: str
    signature: str
    protocol: str


@dataclass(frozen=True, slots=True)
class Timings:
    """Where one request's time went, in seconds; None for a stage it never reached."""

    total: float
    decode: float | None = None
    encode: float | None = None


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


_REQUEST_LABELS = ("model_name", "model_version", "signature", "protocol")
_MODEL_LABELS = ("model_name", "model_version", "signature")

Key = tuple[str, ...]


def _seconds() -> Histogram:
    return Histogram(SECONDS)


def _rows() -> Histogram:
    return Histogram(ROWS)


class RequestMetrics(Collector):
    """Counts requests and batches; a `BatchObserver` for the batcher."""

    def __init__(self) -> None:
        self._requests: Counter[Key] = Counter()
        self._rejected: Counter[Key] = Counter()
        self._rows: Counter[Key] = Counter()
        self._non_finite: Counter[Key] = Counter()
        self._total: dict[Key, Histogram] = defaultdict(_seconds)
        self._decode: dict[Key, Histogram] = defaultdict(_seconds)
        self._encode: dict[Key, Histogram] = defaultdict(_seconds)
        self._queue: dict[Key, Histogram] = defaultdict(_seconds)
        self._backend: dict[Key, Histogram] = defaultdict(_seconds)
        self._batch_rows: dict[Key, Histogram] = defaultdict(_rows)

    def request_finished(self, series: Series, code: int | str, timings: Timings) -> None:
        key = (series.model_name, series.model_version, series.signature, series.protocol)
        self._requests[*key, str(code)] += 1
        self._total[key].observe(timings.total)
        if timings.decode is not None:
            self._decode[key].observe(timings.decode)
        if timings.encode is not None:
            self._encode[key].observe(timings.encode)

    def request_rejected(self, model_name: str, reason: str) -> None:
        """A request refused by its error's name: before it ran, or instead of running."""
        self._rejected[model_name, reason] += 1

    def non_finite_output(self, model_name: str, model_version: str) -> None:
        self._non_finite[model_name, model_version] += 1

    def batch_finished(self, batch: SendBatch, backend_seconds: float, queue_seconds: Sequence[float]) -> None:
        target = batch.key.target
        key = (target.model, str(target.version), target.signature)
        self._rows[key] += batch.rows
        self._batch_rows[key].observe(batch.rows)
        self._backend[key].observe(backend_seconds)
        waits = self._queue[key]
        for wait in queue_seconds:
            waits.observe(wait)

    def served(self, model_name: str, model_version: str) -> "Served":
        """What one version has done since the gateway started, over all signatures and protocols."""
        key = (model_name, model_version)
        answers = sum(
            count for labels, count in self._requests.items() if labels[:2] == key and labels[-1] in ("200", "OK")
        )
        queue, backend = _merged(self._queue, key), _merged(self._backend, key)
        rows = sum(count for labels, count in self._rows.items() if labels[:2] == key)
        return Served(rows, answers, _merged(self._total, key)[1], queue, backend)

    def collect(self) -> Iterator[Metric]:
        yield _counters("penstock_requests", "Requests answered.", (*_REQUEST_LABELS, "code"), self._requests)
        yield _counters("penstock_rejected", "Requests refused, by reason.", ("model_name", "reason"), self._rejected)
        yield _counters("penstock_predictions_rows", "Rows sent to the backend.", _MODEL_LABELS, self._rows)
        yield _counters(
            "penstock_non_finite_outputs",
            "Answers with a NaN or infinite output, sent as null.",
            ("model_name", "model_version"),
            self._non_finite,
        )
        for name, text, labels, series in (
            ("request_duration_seconds", "From the request's head to its answer.", _REQUEST_LABELS, self._total),
            ("decode_duration_seconds", "Body to checked arrays.", _REQUEST_LABELS, self._decode),
            ("encode_duration_seconds", "Arrays to the answer's body.", _REQUEST_LABELS, self._encode),
            ("queue_wait_seconds", "Queued until its first rows were sent.", _MODEL_LABELS, self._queue),
            ("backend_duration_seconds", "One backend call.", _MODEL_LABELS, self._backend),
            ("batch_rows", "Rows of one backend call.", _MODEL_LABELS, self._batch_rows),
        ):
            yield _histograms(f"penstock_{name}", text, labels, series)


def _merged(histograms: dict[Key, Histogram], key: Key) -> tuple[int, float]:
    """How many values, and their sum, under every label set that starts with `key`."""
    found = [histogram for labels, histogram in histograms.items() if labels[: len(key)] == key]
    return int(sum(h.cumulative()[-1][1] for h in found)), sum(h.total for h in found)


class Gauges(Collector):
    """Gauges that are read from the running parts at the moment of the scrape."""

    def __init__(self, read: Callable[[], Sequence[Metric]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        yield from self._read()


def gauge(name: str, text: str, labels: Sequence[str], values: dict[Key, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _counters(name: str, text: str, labels: Sequence[str], values: Counter[Key]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _histograms(name: str, text: str, labels: Sequence[str], values: dict[Key, Histogram]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, text, labels=labels)
    for key, histogram in values.items():
        family.add_metric(key, histogram.cumulative(), histogram.total)
    return family
