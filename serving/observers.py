"""Who watches requests beside the metrics: the access log, traces, the prediction log and drift, as the settings ask.

Only what the settings ask for is made; of what they do not, no object exists and no request pays.
"""

import asyncio
import importlib
import random
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from serving.batching.batcher import Batcher
from serving.errors import InvalidSettings
from serving.observability.access_log import AccessLog
from serving.observability.cells import Cells
from serving.observability.drift_watch import DriftWatch
from serving.observability.finished_requests import RequestObserver, RequestObservers
from serving.observability.log_lines import style_of
from serving.observability.outbox import Outbox
from serving.observability.prediction_log import PredictionLog
from serving.observability.prediction_log_files import Limits, PredictionFiles
from serving.observability.standard_error import to_stderr
from serving.observability.traced_batcher import TracedBatcher
from serving.observability.tracing import Tracing
from serving.recorder import Recorder
from serving.settings import Settings


@dataclass(slots=True)
class Observers:
    """`requests` and `recorder` are None where nobody asks for them; `batcher` makes the batcher that they need."""

    requests: RequestObservers | None = None
    recorder: Recorder | None = None
    batcher: Callable[..., Batcher] = Batcher
    tracing: Tracing | None = None
    outboxes: list[Outbox[Any]] = field(default_factory=list)

    def start(self) -> None:
        for outbox in self.outboxes:
            outbox.start()

    async def close(self) -> None:
        """Returns when what was observed is written, or the time for that is up."""
        own = self.tracing.outbox if self.tracing else None  # closed by tracing, and waited for only once
        closes = [outbox.close for outbox in self.outboxes if outbox is not own]
        if self.tracing:
            closes.append(self.tracing.close)
        await asyncio.gather(*map(asyncio.to_thread, closes))

    def dropped(self) -> dict[tuple[str, ...], int]:
        """How many observations were lost in this process, by kind."""
        return {(outbox.name,): outbox.dropped for outbox in self.outboxes}

    def publish(self, cells: Cells, live: Callable[[], Collection[tuple[str, int]]]) -> None:
        """What is reckoned beside the event loop, put where all workers' figures lie."""
        if self.recorder and self.recorder.drift:
            self.recorder.drift.publish(cells, live())


def observers_of(settings: Settings, process: str = "") -> Observers:
    """Raises InvalidSettings where the settings ask for what is not installed."""
    observers = Observers()
    watching: list[RequestObserver] = []
    if settings.access_log:
        style = style_of(settings.log_format, is_terminal=sys.stderr.isatty())
        log = AccessLog(settings.access_log_share, style, random.random, to_stderr, process=process)
        watching.append(log)
        observers.outboxes.append(log.outbox)
    if settings.tracing_endpoint is not None:
        otlp = _extra("serving.observability.otlp", "tracing_endpoint", "opentelemetry", "tracing")
        tracing = Tracing(settings.tracing_sample_ratio, otlp.otlp_sink(settings.tracing_endpoint))
        observers.outboxes.append(tracing.outbox)
        observers.tracing, observers.batcher = tracing, partial(TracedBatcher, tracing=tracing)
    if watching or observers.tracing:
        observers.requests = RequestObservers(watching, observers.tracing)
    _add_recorder(observers, settings)
    return observers


def _add_recorder(observers: Observers, settings: Settings) -> None:
    models = settings.model.values()
    log = drift = None
    if settings.prediction_log is not None and any(model.prediction_log_share for model in models):
        log = PredictionLog(_files(settings, settings.prediction_log))
        observers.outboxes.append(log.outbox)
    if any(model.drift_share for model in models):
        drift = DriftWatch(-(-settings.drift_window_rows // settings.workers))
        observers.outboxes.append(drift.outbox)
    if log or drift:
        observers.recorder = Recorder(log, drift)


def _files(settings: Settings, folder: Path) -> PredictionFiles:
    limits = Limits(
        settings.prediction_log_file_bytes, settings.prediction_log_file_seconds, settings.prediction_log_total_bytes
    )
    if settings.prediction_log_format == "jsonl":
        return PredictionFiles(folder, limits)
    parquet = _extra("serving.observability.prediction_parquet", "prediction_log_format", "pyarrow", "parquet")
    return PredictionFiles(folder, limits, parquet.ParquetRows, parquet.SUFFIX)


def _extra(module: str, setting: str, package: str, extra: str) -> ModuleType:
    """Loaded by name: who does not use it does not need what it needs."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith(package):
            raise
        reason = f"{setting}: {package} is not installed; pip install 'penstock[{extra}]'"
        raise InvalidSettings(reason) from error
