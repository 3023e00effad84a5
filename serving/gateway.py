"""The running gateway: its parts, and what they do from start to end. `app.py` puts them together."""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NoReturn

from prometheus_client.metrics_core import Metric

from serving.answering.layers import AnswerLayers
from serving.backend_protocol import Backend
from serving.batching.batcher import Batcher
from serving.batching.explanation import BatcherFacts
from serving.callers import Followed
from serving.catalog import Catalog
from serving.change_log import ChangeLog
from serving.grpc.server import GrpcServer
from serving.model_server.control_socket import ControlSocket
from serving.model_settings import ModelSettings
from serving.observability import drift_cells
from serving.observability.batching_gauges import batching_gauges, shed_totals
from serving.observability.departed import KEPT_SECONDS, SHOWN_SECONDS, Departed
from serving.observability.families import CACHE, DRIFT, DROPPED, LENGTH_PADDING, SHED, summed
from serving.observability.gateway_gauges import credential_gauge, model_gauges, moment_of, queue_gauges
from serving.observability.layer_metrics import cache_gauges, cache_totals, length_padding_totals
from serving.observability.metrics import RequestMetrics
from serving.observability.model_standing import standing_gauges
from serving.observers import Observers
from serving.predict import Predictor
from serving.readiness import missing_models
from serving.standing_threads import standing_pool
from serving.traffic.candidates import CandidateKeeper
from serving.traffic.standing import Arrivals, standings
from serving.traffic.watcher import CanaryWatcher

BOARD_SECONDS = 0.1
"""How often a worker shows the others its queue: scrapes are many seconds apart, and a look costs microseconds."""
DECODING_THREADS = min(32, (os.cpu_count() or 1) + 4)
"""Of the loop's own pool, for large bodies and files: as many as Python would make, when they are needed."""
_log = logging.getLogger(__name__)


async def keep_doing(work: Callable[[], Awaitable[None]], pause_seconds: float) -> NoReturn:
    """Again and again, a pause before each. What fails is logged, the first of failures in a row, and done again."""
    failing = False
    while True:
        await asyncio.sleep(pause_seconds)
        try:
            await work()
        except Exception:  # noqa: BLE001 - the outermost frame of a task: it would end, and nobody would see that
            if not failing:
                _log.exception("what the gateway does beside requests failed; it goes on")
            failing = True
        else:
            failing = False


@dataclass(frozen=True, slots=True)
class Gateway:
    """The running parts behind the application's routes."""

    backend: Backend
    batcher: Batcher
    catalog: Catalog
    metrics: RequestMetrics
    predictor: Predictor
    layers: AnswerLayers
    grpc: GrpcServer
    watcher: CanaryWatcher
    candidates: CandidateKeeper
    observers: Observers
    workers: int
    model_settings: Mapping[str, ModelSettings]
    arrivals: Arrivals
    control: ControlSocket | None = None
    credentials: Sequence[Followed] = ()
    """Who may call, where somebody is asked."""
    started: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the backend's first pass over the models has ended."""
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set at the same moment, and also when the pass failed."""
    long_gone: Departed = field(default_factory=lambda: Departed(KEPT_SECONDS))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """From the first model to the last answer. Several workers open the gRPC port later, and themselves."""
        asyncio.get_running_loop().set_default_executor(standing_pool(DECODING_THREADS, "asyncio"))
        self.observers.start()
        if self.workers == 1:
            await self.grpc.start()
        if self.control:
            await self.control.start()
        watching = [self.catalog.keep(), self.watcher.keep(), self.candidates.keep(), ChangeLog(self.catalog).keep()]
        work = [self._start(), self._keep_told(), self._keep_board(), *watching]
        work += [each.keep() for each in self.credentials]
        tasks = [asyncio.create_task(each) for each in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self.control:
                await self.control.close()
            await self.grpc.stop()
            await self.batcher.close()
            await self.backend.close()
            await self.observers.close()

    def explained(self) -> BatcherFacts:
        return self.batcher.explain()

    def missing(self, required: Sequence[str]) -> str:
        """Which of the required models have never been live yet, as `missing_models` says it."""
        return missing_models(self.catalog.been_live, required)

    def drift(self, model: str) -> list[dict[str, object]]:
        """Of each feature watched, over all workers: `psi` is None while the window has too few rows to say."""
        self._count_told()
        found = drift_cells.read(summed(self.metrics.ledger.read())[DRIFT])
        return [
            {"version": each.version, "feature": each.feature, "rows": each.rows, "psi": each.psi}
            for each in found
            if each.model == model
        ]

    def _live(self) -> set[tuple[str, int]]:
        return {(name, version) for name, entry in self.catalog.view.models.items() for version in entry.servables}

    def gauges(self) -> list[Metric]:
        """What is read at the moment of a scrape; brings what its parts count by themselves up to it."""
        facts = self.bring_up_to_date()
        entries = self.catalog.view.models
        labels = {name: entry.labels for name, entry in entries.items()}
        moving = {name: entry.moving() for name, entry in entries.items()}
        return [
            *queue_gauges(self.metrics.ledger.board, time.monotonic()),
            *model_gauges(self.backend, labels, moving),
            credential_gauge({each.source: each.healthy for each in self.credentials}),
            *batching_gauges(facts),
            *cache_gauges(self.layers),
            *standing_gauges(standings(self.catalog.view, self.model_settings, self.watcher)),
        ]

    def bring_up_to_date(self) -> BatcherFacts:
        """What lies in the ledger, before it is read; and what the batcher said of itself for that."""
        facts = self._count_told()
        self._show_moment()
        return facts

    def _show_moment(self) -> None:
        """To whichever worker answers the next scrape."""
        self.metrics.ledger.board.show(moment_of(self.batcher, time.monotonic()))

    def _count_told(self) -> BatcherFacts:
        """What its parts count by themselves, added to what is counted for all workers."""
        facts = self.batcher.explain()
        self.metrics.so_far(SHED, shed_totals(facts))
        self.metrics.so_far(CACHE, cache_totals(self.layers))
        self.metrics.so_far(LENGTH_PADDING, length_padding_totals(self.layers))
        self.metrics.so_far(DROPPED, self.observers.dropped())
        self.observers.publish(self.metrics.ledger.own, self._live)
        return facts

    def _forget_gone(self, facts: BatcherFacts) -> None:
        """What was learned and counted of versions that have gone: a scrape asks for all there is. `facts` are the
        batcher's of this moment.
        """
        live = self._live()
        self.batcher.forget(lambda target: (target.model, target.version) in live, SHOWN_SECONDS)
        now, called = self.batcher.clock(), {(each.target.model, str(each.target.version)) for each in facts.queues}
        gone = self.long_gone.gone(self.metrics.versions(), self.catalog.versions() | called, now)
        self.metrics.forget(gone, now)

    async def _keep_told(self) -> None:
        """Health by gRPC is pushed to its watchers, so somebody must look; and what the batcher and the layers count by
        themselves, somebody must tell the other workers.
        """

        async def tell() -> None:
            await self.grpc.follow_readiness()
            self._forget_gone(self._count_told())

        await keep_doing(tell, self.catalog.poll_seconds)

    async def _keep_board(self) -> None:
        """What another worker tells of this one is as old as BOARD_SECONDS at most; one alone tells when asked."""

        async def show() -> None:
            self._show_moment()

        if self.workers > 1:
            await keep_doing(show, BOARD_SECONDS)

    async def _start(self) -> None:
        async def changed() -> None:
            await self.catalog.renew()
            self.arrivals.look(self.catalog.view)
            self.layers.follow({name: entry.servables for name, entry in self.catalog.view.models.items()})
            await self.grpc.follow_readiness()

        try:
            await self.backend.start(changed)
        except Exception:  # noqa: BLE001 - the outermost frame of this task: `/readyz` stays not ready, the log says why
            _log.exception("the backend could not start")
        else:
            self.started.set()
            _log.info("the first models are loaded", extra={"event": "started", "backend": self.backend.name})
        finally:
            self.settled.set()
