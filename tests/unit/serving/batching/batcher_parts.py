"""A backend that answers when the test says so, the batcher around it, and what the tests count."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import numpy as np

from serving.backend_protocol import Arrays, Backend, OnChange, Target, VersionStatus
from serving.backends.holds import Holds
from serving.backends.in_memory import InMemoryBackend, Turn
from serving.batching.admission import QueueLimits
from serving.batching.batcher import Batcher
from serving.batching.events import BatchRules, QueueKey, SendBatch, layout_of
from serving.batching.policy import BatchingCore
from serving.batching.waiting import Answer
from serving.contract.tensors import Array

DIGITS, FACES = (Target(model, 1, "serving_default") for model in ("digits", "faces"))


@dataclass(frozen=True, slots=True)
class Call:
    target: Target
    ids: list[int]
    deadline_seconds: float


@dataclass
class GatedBackend:
    """Echoes its inputs once `gate` is open, or raises `fault`; `started` counts up with every call."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    started: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    calls: list[Call] = field(default_factory=list)
    fault: BaseException | None = None
    holds: Holds = field(default_factory=Holds)
    name: str = "gated"

    async def start(self, on_change: OnChange) -> None:
        await on_change()

    async def close(self) -> None: ...

    def status(self) -> Mapping[str, Mapping[int, VersionStatus]]:
        return {}

    def replicas(self) -> Mapping[str, bool]:
        return {}

    def hold(self, target: Target) -> AbstractContextManager[None]:
        return self.holds.hold(target)

    def predict_at_once(self, target: Target, inputs: Arrays) -> dict[str, Array] | None:
        del target, inputs
        return None

    async def predict(self, target: Target, inputs: Arrays, deadline_seconds: float) -> dict[str, Array]:
        self.calls.append(Call(target, inputs["ids"].tolist(), deadline_seconds))
        self.started.release()
        await self.gate.wait()
        if self.fault:
            raise self.fault
        return dict(inputs)


@dataclass
class Tally:
    """A BatchObserver that keeps what it was told, and does something `then`, in the very turn of the answers."""

    then: Callable[[], object] = lambda: None

    rows: list[int] = field(default_factory=list)
    backend_seconds: list[float] = field(default_factory=list)
    queue_seconds: list[list[float]] = field(default_factory=list)

    def batch_finished(self, batch: SendBatch, backend_seconds: float, queue_seconds: Sequence[float]) -> None:
        self.rows.append(batch.rows)
        self.backend_seconds.append(backend_seconds)
        self.queue_seconds.append(list(queue_seconds))
        self.then()


@dataclass
class Clock:
    """Time that passes when the test says so."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Gateway:
    """A batcher with its parts in reach."""

    batcher: Batcher
    core: BatchingCore
    tally: Tally

    async def ask(
        self,
        first: int,
        rows: int = 1,
        *,
        target: Target = DIGITS,
        patience_seconds: float = 100.0,
        allowed_batch_rows: tuple[int, ...] = (),
    ) -> Answer:
        """Rows first, first + 1, ... with these numbers as their only input."""
        deadline = self.batcher.clock() + patience_seconds
        inputs = {"ids": np.arange(first, first + rows)}
        key = QueueKey(target, layout_of(inputs), BatchRules(allowed_batch_rows))
        return await self.batcher.predict(key, inputs, deadline)

    @property
    def idle(self) -> bool:
        """Nobody is remembered: no slot taken, nothing queued, no deadline watched."""
        return (self.core.in_flight, self.core.queued_rows, self.core.next_deadline_seconds()) == (0, 0, None)


def gateway(
    backend: Backend, *, max_batch_rows: int = 4, slots: int = 1, max_rows: int = 10**6, clock: Clock | None = None
) -> Gateway:
    core = BatchingCore(max_batch_rows=max_batch_rows, slots=slots, limits=QueueLimits(max_rows, 10**9))
    tally = Tally()
    return Gateway(Batcher(backend, core, tally, clock or time.monotonic), core, tally)


def ids(answer: Answer) -> list[int]:
    rows: list[int] = answer.outputs["ids"].tolist()
    return rows


def open_backend() -> GatedBackend:
    backend = GatedBackend()
    backend.gate.set()
    return backend


async def in_memory(*script: Turn) -> InMemoryBackend:
    """Echoes its inputs."""

    def echo(_: Target, inputs: Arrays) -> dict[str, Array]:
        return dict(inputs)

    async def unheard() -> None: ...

    backend = InMemoryBackend({"digits": {1: {}}, "faces": {1: {}}}, echo, iter(script))
    await backend.start(unheard)
    return backend
