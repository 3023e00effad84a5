"""The batcher explains itself: what it has learned, what it chose and why, and how well its predictions do.

Pure facts, for `GET /v2/models/{model}/stats` and the metrics.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from serving.backend_protocol import Target
from serving.batching.accuracy import Accuracy
from serving.batching.admission import Load
from serving.batching.breaker import BreakerState
from serving.batching.cost_model import BucketFacts, Line
from serving.batching.depth import Depth
from serving.batching.events import Layout
from serving.batching.queues import Queue


@dataclass(frozen=True, slots=True)
class AccuracyFacts:
    """Moving means; None before there was anything to compare. `error` is relative to what was observed."""

    predicted_seconds: float | None
    observed_seconds: float | None
    error: float | None


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """One queue. `cost` is S(b) = t0 + a*b, None until a call has ended; `slowdown` and `spread` are those of the cost
    model; `shed` counts requests by the rule that ended them; `probe_in_seconds` is set while the breaker is open;
    `calls` compares the backend's time, `latency` that of a request from the door to its answer; `runs_in` is where the
    last call ran, `event_loop` or `backend`.
    """

    target: Target
    layout: Layout
    queued_rows: int
    in_flight_batches: int
    cost: Line | None
    buckets: tuple[BucketFacts, ...]
    slowdown: float
    spread: float
    batch_rows: int
    batch_reason: str
    calls: AccuracyFacts
    latency: AccuracyFacts
    breaker: str
    probe_in_seconds: float | None
    is_overloaded: bool
    shed: Mapping[str, int]
    runs_in: str | None = None


@dataclass(frozen=True, slots=True)
class BatcherFacts:
    """All queues of a backend, and the slots they share. `shed_before` counts requests that queues had ended which are
    forgotten now, by target and rule.
    """

    slots: int
    slots_reason: str
    in_flight_batches: int
    queued_rows: int
    drain_seconds: float
    queues: tuple[QueueFacts, ...]
    shed_before: Mapping[tuple[Target, str], int] = field(default_factory=dict)


def explained(queues: Iterable[Queue], depth: Depth, in_flight: int, load: Load, now: float) -> BatcherFacts:
    facts = tuple(_of_queue(queue, now) for queue in queues)
    return BatcherFacts(depth.slots, depth.reason, in_flight, load.rows, load.drain_seconds, facts)


def _of_queue(queue: Queue, now: float) -> QueueFacts:
    opened = queue.breaker.state is BreakerState.OPEN
    return QueueFacts(
        target=queue.key.target,
        layout=queue.key.layout,
        queued_rows=queue.rows,
        in_flight_batches=queue.in_flight,
        cost=queue.cost.line,
        buckets=queue.cost.buckets,
        slowdown=queue.cost.slowdown,
        spread=queue.cost.spread,
        batch_rows=queue.largest.rows,
        batch_reason=queue.largest.reason,
        calls=_of_accuracy(queue.calls),
        latency=_of_accuracy(queue.latency),
        breaker=queue.breaker.state.value,
        probe_in_seconds=max(0.0, queue.breaker.probe_seconds - now) if opened else None,
        is_overloaded=queue.flux.is_rising,
        shed=dict(queue.shed),
    )


def _of_accuracy(accuracy: Accuracy) -> AccuracyFacts:
    return AccuracyFacts(accuracy.predicted_seconds, accuracy.observed_seconds, accuracy.error)
