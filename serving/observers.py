"""Who watches requests beside the metrics, put together from the settings: the access log and traces.

Only what the settings ask for is made; of what they do not, no object exists and no request pays.
"""

import asyncio
import importlib
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from serving.batching.batcher import Batcher
from serving.errors import InvalidSettings
from serving.observability.access_log import AccessLog, to_stderr
from serving.observability.finished_requests import RequestObserver, RequestObservers
from serving.observability.log_lines import style_of
from serving.observability.outbox import Outbox
from serving.observability.traced_batcher import TracedBatcher
from serving.observability.tracing import Tracing
from serving.settings import Settings


@dataclass(frozen=True, slots=True)
class Observers:
    """`requests` is None where nobody observes them; `batcher` makes the batcher that the observers need."""

    requests: RequestObservers | None
    batcher: Callable[..., Batcher]
    tracing: Tracing | None
    outboxes: tuple[Outbox, ...]  # type: ignore[type-arg]  # of whatever each of them takes

    def start(self) -> None:
        for outbox in self.outboxes:
            outbox.start()

    async def close(self) -> None:
        """Returns when what was observed is written, or the time for that is up."""
        for outbox in self.outboxes:
            await asyncio.to_thread(outbox.close)
        if self.tracing:
            await asyncio.to_thread(self.tracing.close)

    def dropped(self) -> dict[tuple[str, ...], int]:
        """How many observations were lost in this process, by kind."""
        return {(outbox.name,): outbox.dropped for outbox in self.outboxes}


def observers_of(settings: Settings, process: str = "") -> Observers:
    """Raises InvalidSettings where the settings ask for what is not installed."""
    observers: list[RequestObserver] = []
    outboxes: list[Outbox] = []  # type: ignore[type-arg]  # as above
    if settings.access_log:
        style = style_of(settings.log_format, is_terminal=sys.stderr.isatty())
        log = AccessLog(settings.access_log_share, style, random.random, to_stderr, process=process)
        observers.append(log)
        outboxes.append(log.outbox)
    tracing = _tracing(settings)
    if tracing:
        observers.append(tracing)
        outboxes.append(tracing.outbox)
    return Observers(
        RequestObservers(observers, tracing) if observers else None,
        partial(TracedBatcher, tracing=tracing) if tracing else Batcher,
        tracing,
        tuple(outboxes),
    )


def _tracing(settings: Settings) -> Tracing | None:
    """OpenTelemetry is loaded by name: who does not trace does not need it."""
    if settings.tracing_endpoint is None:
        return None
    try:
        otlp = importlib.import_module("serving.observability.otlp")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("opentelemetry"):
            raise
        raise InvalidSettings(
            "tracing_endpoint: OpenTelemetry is not installed; pip install 'penstock[tracing]'"
        ) from error
    return Tracing(settings.tracing_sample_ratio, otlp.otlp_sink(settings.tracing_endpoint))
