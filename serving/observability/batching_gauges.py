"""What the scrape asks of the batcher: what it has learned and chosen per model, and whom its rules turned away."""

from collections import Counter
from collections.abc import Callable

from prometheus_client.metrics_core import Metric

from serving.backend_protocol import Target
from serving.batching.explanation import BatcherFacts, QueueFacts
from serving.observability.cells import Key
from serving.observability.families import gauge

LABELS = ("model_name", "model_version", "signature")


def batching_gauges(facts: BatcherFacts) -> list[Metric]:
    """What was learned and chosen. Where a signature has queues of several row shapes, the busiest speaks for all."""
    busiest: dict[Key, QueueFacts] = {}
    for queue in facts.queues:
        key = _key(queue.target)
        if key not in busiest or _calls(queue) > _calls(busiest[key]):
            busiest[key] = queue

    def each(name: str, text: str, value: Callable[[QueueFacts], float | None]) -> Metric:
        found = {key: value(queue) for key, queue in busiest.items()}
        return gauge(name, text, LABELS, {key: number for key, number in found.items() if number is not None})

    return [
        each("penstock_batch_limit_rows", "The largest batch now (B).", lambda q: q.batch_rows),
        each("penstock_batch_fixed_seconds", "Learned: t0 of S(b) = t0 + a*b.", _fixed_seconds),
        each("penstock_batch_row_seconds", "Learned: a of S(b) = t0 + a*b.", _row_seconds),
        each("penstock_backend_prediction_error", "Relative, of a call's time.", lambda q: q.calls.error),
        each("penstock_latency_prediction_error", "Relative, of a request's time.", lambda q: q.latency.error),
        each("penstock_breaker_open", "1 while the backend is not asked.", lambda q: float(q.breaker != "closed")),
    ]


def shed_totals(facts: BatcherFacts) -> dict[Key, int]:
    """Requests that each rule has ended since the batcher was made, by model, version, signature and rule."""
    totals: Counter[Key] = Counter()
    for (target, rule), number in facts.shed_before.items():
        totals[*_key(target), rule] += number
    for queue in facts.queues:
        totals.update({(*_key(queue.target), rule): number for rule, number in queue.shed.items()})
    return dict(totals)


def _fixed_seconds(queue: QueueFacts) -> float | None:
    return None if queue.cost is None else queue.cost.fixed_seconds


def _row_seconds(queue: QueueFacts) -> float | None:
    return None if queue.cost is None else queue.cost.row_seconds


def _key(target: Target) -> Key:
    return target.model, str(target.version), target.signature


def _calls(queue: QueueFacts) -> int:
    return sum(bucket.calls for bucket in queue.buckets)
