"""Answered requests sent once more to another version, whose answers are compared and counted and go to nobody.

It may cost the callers nothing: mirrored requests wait in the lowest lane, are dropped while anything else waits, are
few at a time, and end by a deadline of their own.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from serving.answering.layers import AnswerLayers
from serving.backend_protocol import Arrays, Backend
from serving.batching.batcher import Batcher
from serving.batching.events import Lane
from serving.batching.waiting import Answer
from serving.catalog import ModelEntry, Servable
from serving.contract.manifest import Tolerance
from serving.errors import DeadlineExceeded, Overloaded, PenstockError
from serving.model_store.traffic import Shadow
from serving.observability.cells import Slot
from serving.observability.families import SHADOW, SIZES
from serving.observability.ledger import Ledger
from serving.served import Served, serve
from serving.traffic.comparison import agree, tolerance_of
from serving.traffic.split import Walk
from serving.traffic.spreads import Spreads

MOST_IN_FLIGHT = 8
"""Mirrored requests under way: enough to fill a small batch, few enough that their answers are soon forgotten."""
MOST_ROWS = 64
"""Of one mirrored request: a batch of the usual size, so that no long call stands in anybody's way."""
DEADLINE_SECONDS = 2.0
RESULTS = ("same", "different", "failed", "dropped")


@dataclass(slots=True)
class Shadows:
    """Those of one gateway process; for one event loop."""

    batcher: Batcher
    backend: Backend
    layers: AnswerLayers | None
    ledger: Ledger
    spreads: Spreads
    clock: Callable[[], float] = time.monotonic
    in_flight: int = 0
    _walks: dict[str, Walk] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def of(self, entry: ModelEntry, servable: Servable, signature: str) -> "Mirror | None":
        """What mirrors the requests that `servable` answers; None where nothing does, or nothing can."""
        shadow = entry.traffic.shadow
        if shadow is None:
            return None
        other = entry.servables.get(entry.labels.get(shadow.label, 0))
        if other is None or other.version == servable.version or mismatch(servable, other, signature):
            return None
        served = serve(other, signature, self.backend, self.layers)
        return Mirror(self, served, shadow, self._walks.setdefault(servable.model, Walk()))

    def begin(self, mirrored: "Mirrored") -> None:
        """At the next turn of the loop: this one belongs to those whose answers have just come."""
        self.in_flight += 1
        asyncio.get_running_loop().call_soon(self._send, mirrored)

    def ended(self, mirrored: "Mirrored", result: str) -> None:
        self.in_flight -= 1
        mirrored.mirror.count(result)

    def _send(self, mirrored: "Mirrored") -> None:
        served, deadline = mirrored.mirror.served, self.clock() + DEADLINE_SECONDS
        if self.batcher.core.queued_rows:
            self.ended(mirrored, "dropped")
            return
        served.hold.__enter__()
        mirrored.holds = True
        if served.layers is None:
            key = served.queues.key_of(mirrored.inputs)
            self.batcher.submit(key, mirrored.inputs, deadline, mirrored, lane=Lane.BATCH, tenant="")
            return
        task = asyncio.get_running_loop().create_task(self._through_layers(mirrored, deadline))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _through_layers(self, mirrored: "Mirrored", deadline_seconds: float) -> None:
        answering = mirrored.mirror.served.layers
        if answering is None:
            return
        try:
            mirrored.set_result(await answering(mirrored.inputs, deadline_seconds, Lane.BATCH, ""))
        except PenstockError as error:
            mirrored.set_exception(error)


class Mirror:
    """From one version to another, for one signature."""

    __slots__ = ("_fraction", "_shadows", "_slots", "_walk", "served", "tolerance")

    def __init__(self, shadows: Shadows, served: Served, shadow: Shadow, walk: Walk) -> None:
        self._shadows, self._fraction, self._walk = shadows, shadow.fraction, walk
        self.served = served
        self.tolerance: Tolerance = tolerance_of(served.servable.manifest)
        version = (served.servable.model, str(served.servable.version))
        self._slots: dict[str, Slot] = {
            result: shadows.ledger.own.slot((SHADOW, *version, result), SIZES[SHADOW]) for result in RESULTS
        }

    def offer(self, inputs: Arrays, outputs: Arrays) -> None:
        """An answered request, of which the shadow takes its fraction."""
        if self._walk.next() >= self._fraction:
            return
        shadows, target = self._shadows, self.served.servable
        if shadows.spreads.is_withdrawn(target.model, target.version):
            return
        rows = len(next(iter(inputs.values())))
        if shadows.in_flight >= MOST_IN_FLIGHT or rows > MOST_ROWS or shadows.batcher.core.queued_rows:
            self.count("dropped")
        else:
            shadows.begin(Mirrored(shadows, self, inputs, outputs))

    def count(self, result: str) -> None:
        cells, at = self._slots[result]
        cells[at] += 1.0


class Mirrored:
    """One request under way a second time: a `Waiter` of the batcher."""

    __slots__ = ("_outputs", "_over", "_shadows", "holds", "inputs", "mirror")

    def __init__(self, shadows: Shadows, mirror: Mirror, inputs: Arrays, outputs: Arrays) -> None:
        self._shadows, self.mirror, self.inputs, self._outputs = shadows, mirror, inputs, outputs
        self.holds = self._over = False

    def done(self) -> bool:
        return self._over

    def set_result(self, answer: Answer) -> None:
        is_same = agree(answer.outputs, self._outputs, self.mirror.tolerance)
        self._end("same" if is_same else "different")

    def set_exception(self, error: PenstockError) -> None:
        is_slow = isinstance(error, Overloaded | DeadlineExceeded)
        self._end("dropped" if is_slow else "failed")

    def _end(self, result: str) -> None:
        self._over = True
        if self.holds:
            self.mirror.served.hold.__exit__(None, None, None)
        self._shadows.ended(self, result)


def mismatch(answering: Servable, other: Servable, signature: str) -> str:
    """Why the arrays that one version was asked with cannot be asked of the other, empty where they can."""
    ours, theirs = answering.signatures.get(signature), other.signatures.get(signature)
    if ours is None or theirs is None:
        return f"version {other.version} has no signature {signature}"
    if ours.inputs != theirs.inputs:
        return f"the inputs of version {other.version} are not those of version {answering.version}"
    if ours.outputs != theirs.outputs:
        return f"the outputs of version {other.version} are not those of version {answering.version}"
    return ""
