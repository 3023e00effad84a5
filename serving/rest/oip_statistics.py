"""`GET /v2/models/{model}/stats`: the statistics extension, read out of the metrics that are counted anyway.

Pure. Counts begin with the process; times are nanoseconds, as the extension has them. Beside it, under `batching`, what
the batcher knows of the model and does about it, in seconds: ours, and no part of the extension.
"""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from prometheus_client.metrics_core import Metric

from serving.batching.explanation import BatcherFacts, QueueFacts

_SECONDS_TO_NS = 1_000_000_000


def model_statistics(metrics: Iterable[Metric], model: str, versions: Iterable[int]) -> dict[str, Any]:
    """Of the versions given, whatever the signature and the protocol they were asked through."""
    found: dict[tuple[str, str], float] = {}
    for metric in metrics:
        for sample in metric.samples:
            if sample.labels.get("model_name") == model and "le" not in sample.labels:
                key = (sample.name, sample.labels.get("model_version", ""))
                code = sample.labels.get("code")
                if code is not None:
                    key = (f"{sample.name}:{'success' if code == '200' else 'fail'}", key[1])
                found[key] = found.get(key, 0.0) + sample.value
    return {"model_stats": [_of_version(found, model, str(version)) for version in versions]}


def batching_statistics(facts: BatcherFacts, model: str, versions: Iterable[int]) -> dict[str, Any]:
    """The slots, which all models of the backend share, and the queues of these versions."""
    shown = set(versions)
    queues = [queue for queue in facts.queues if queue.target.model == model and queue.target.version in shown]
    return {
        "slots": facts.slots,
        "slots_reason": facts.slots_reason,
        "in_flight_batches": facts.in_flight_batches,
        "queued_rows": facts.queued_rows,
        "drain_seconds": facts.drain_seconds,
        "queues": [_of_queue(queue) for queue in queues],
    }


def _of_queue(queue: QueueFacts) -> dict[str, Any]:
    return {
        "version": str(queue.target.version),
        "signature": queue.target.signature,
        "inputs": [{"name": name, "dtype": dtype, "row_shape": shape} for name, dtype, shape in queue.layout],
        "queued_rows": queue.queued_rows,
        "in_flight_batches": queue.in_flight_batches,
        "cost": None if queue.cost is None else asdict(queue.cost),
        "buckets": [asdict(bucket) for bucket in queue.buckets],
        "batch_rows": queue.batch_rows,
        "slowdown": queue.slowdown,
        "spread": queue.spread,
        "batch_reason": queue.batch_reason,
        "calls": asdict(queue.calls),
        "latency": asdict(queue.latency),
        "breaker": queue.breaker,
        "probe_in_seconds": queue.probe_in_seconds,
        "is_overloaded": queue.is_overloaded,
        "runs_in": queue.runs_in,
        "shed": dict(queue.shed),
    }


def _of_version(found: dict[tuple[str, str], float], model: str, version: str) -> dict[str, Any]:
    def count(name: str) -> int:
        return int(found.get((name, version), 0))

    def duration(name: str, counted: int) -> dict[str, int]:
        return {"count": counted, "ns": int(found.get((f"{name}_sum", version), 0.0) * _SECONDS_TO_NS)}

    succeeded = count("penstock_requests_total:success")
    return {
        "name": model,
        "version": version,
        "inference_count": count("penstock_predictions_rows_total"),
        "execution_count": count("penstock_batch_rows_count"),
        "inference_stats": {
            "success": duration("penstock_request_duration_seconds", succeeded),
            "fail": {"count": count("penstock_requests_total:fail"), "ns": 0},
            "queue": duration("penstock_queue_wait_seconds", count("penstock_queue_wait_seconds_count")),
            "compute_infer": duration(
                "penstock_backend_duration_seconds", count("penstock_backend_duration_seconds_count")
            ),
        },
    }
