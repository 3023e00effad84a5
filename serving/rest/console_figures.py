"""`GET /console/figures`: what the console draws, in one document.

Pure. Counts begin with the gateway and are of all its workers, so that rates and percentiles are made of the difference
between two documents, as Prometheus makes them; states and labels are this process's.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import add
from typing import Any

from serving.backend_protocol import VersionState
from serving.catalog import CatalogView, ModelEntry
from serving.observability import drift_cells
from serving.observability.board import Moment
from serving.observability.families import (
    BACKEND,
    BATCH,
    BATCH_ROWS,
    DECODE,
    DRIFT,
    ENCODE,
    QUEUE,
    REJECTED,
    REQUEST,
    ROWS_SUM,
    SECONDS_SUM,
    TOTAL,
    Sums,
    requests,
)
from serving.observability.histogram import ROWS, SECONDS
from serving.observability.metrics import UNKNOWN

PARTS: Mapping[str, tuple[str, int]] = {
    "decode": (REQUEST, DECODE),
    "queue": (BATCH, QUEUE),
    "backend": (BATCH, BACKEND),
    "encode": (REQUEST, ENCODE),
}
"""Where a request's time goes: which records have a part, and at which of their cells its histogram begins."""


@dataclass(frozen=True, slots=True)
class ConsoleFacts:
    """What the document is made of. `reports` are the models and versions that have a training report."""

    view: CatalogView
    backend: str
    sums: Sums
    moments: Sequence[Moment]
    now_seconds: float
    gateway_version: str
    reports: Collection[tuple[str, int]]


def console_figures(facts: ConsoleFacts) -> dict[str, Any]:
    """Times in seconds, `at_seconds` on the monotonic clock; a histogram's counts are per bucket, the last one for what
    is over all bounds.
    """
    entries = facts.view.models
    waiting = [moment.waiting_since_seconds for moment in facts.moments if moment.waiting_since_seconds]
    return {
        "at_seconds": facts.now_seconds,
        "version": facts.gateway_version,
        "backend": {"name": facts.backend, "up": any(entry.servables for entry in entries.values())},
        "queue": {
            "rows": sum(moment.queue_rows for moment in facts.moments),
            "oldest_age_seconds": max(0.0, facts.now_seconds - min(waiting)) if waiting else 0.0,
        },
        "in_flight_batches": sum(moment.in_flight_batches for moment in facts.moments),
        "in_flight_limit": sum(moment.in_flight_limit for moment in facts.moments),
        "unknown_model_requests": int(sum(requests(cells) for _, cells in _of(facts.sums, REQUEST, UNKNOWN))),
        "models": [_model(facts, name, entry) for name, entry in sorted(entries.items())],
    }


def _model(facts: ConsoleFacts, name: str, entry: ModelEntry) -> dict[str, Any]:
    asked, batches = _of(facts.sums, REQUEST, name), _of(facts.sums, BATCH, name)
    codes: dict[str, int] = {}
    answered: dict[str, int] = {}
    for (_, version, *_, code), cells in asked:
        codes[code] = codes.get(code, 0) + int(requests(cells))
        answered[version] = answered.get(version, 0) + int(requests(cells))
    records = {REQUEST: [cells for _, cells in asked], BATCH: [cells for _, cells in batches]}
    rows = _histogram(records[BATCH], BATCH_ROWS, ROWS_SUM)
    refused = {reason: int(cells[0]) for (_, reason), cells in _of(facts.sums, REJECTED, name)}
    return {
        "name": name,
        "labels": entry.labels,
        "moving": entry.moving(),
        "split": entry.traffic.split,
        "answering_version": entry.answering_version(),
        "versions": [
            {
                "version": version,
                "state": status.state.value,
                "is_live": status.state is VersionState.AVAILABLE and version in entry.servables,
                "error": status.error,
                "has_report": (name, version) in facts.reports,
                "requests": answered.get(str(version), 0),
            }
            for version, status in sorted(entry.statuses.items())
        ],
        "requests": codes,
        "refused": refused,
        "rows": int(rows.total),
        "latency": {"bounds_seconds": SECONDS, "counts": _histogram(records[REQUEST], TOTAL, SECONDS_SUM).counts},
        "parts": {part: _part(records[kind], start) for part, (kind, start) in PARTS.items()},
        "batch_rows": {"bounds": ROWS, "counts": rows.counts},
        "drift": _drift(facts.sums, name),
    }


def _drift(sums: Sums, model: str) -> dict[str, dict[str, dict[str, float]]]:
    """By version and feature, of those of which enough rows were sampled."""
    drift: dict[str, dict[str, dict[str, float]]] = {}
    for each in drift_cells.read(dict(_of(sums, DRIFT, model))):
        if each.psi is not None:
            drift.setdefault(each.version, {})[each.feature] = {"psi": each.psi, "rows": each.rows}
    return drift


@dataclass(frozen=True, slots=True)
class _Histogram:
    counts: list[int]
    total: float


def _histogram(records: Sequence[Sequence[float]], start: int, sum_at: int) -> _Histogram:
    cells = [0.0] * (sum_at + 1)
    for record in records:
        cells = list(map(add, cells, record[start : start + sum_at + 1]))
    return _Histogram(list(map(int, cells[:sum_at])), cells[sum_at])


def _part(records: Sequence[Sequence[float]], start: int) -> dict[str, float]:
    histogram = _histogram(records, start, SECONDS_SUM)
    return {"seconds": histogram.total, "count": sum(histogram.counts)}


def _of(sums: Sums, kind: str, model: str) -> list[tuple[tuple[str, ...], Sequence[float]]]:
    return [(key, cells) for key, cells in sums[kind].items() if key[0] == model]
