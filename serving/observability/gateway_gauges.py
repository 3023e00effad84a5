"""What the scrape asks of the running gateway: queues, slots, models and their states."""

import time
from collections.abc import Mapping
from importlib.metadata import version
from typing import TypeAlias

from prometheus_client.metrics_core import Metric

from serving.backend_protocol import Backend, VersionState, VersionStatus
from serving.batching.batcher import Batcher
from serving.observability.metrics import Key, gauge

Statuses: TypeAlias = Mapping[str, Mapping[int, VersionStatus]]


def gateway_gauges(backend: Backend, batcher: Batcher, labels: Mapping[str, Mapping[str, int]]) -> list[Metric]:
    """Every gauge of the gateway at this moment; `labels` has each model's labels and their versions."""
    core, statuses = batcher.core, backend.status()
    up = any(s.state is VersionState.AVAILABLE for versions in statuses.values() for s in versions.values())
    plain = {
        "penstock_inflight_batches": ("Backend calls under way.", core.in_flight),
        "penstock_inflight_limit": ("Backend calls allowed at once.", core.slots),
        "penstock_queue_rows": ("Rows that wait for a slot.", core.queued_rows),
        "penstock_queue_oldest_age_seconds": (
            "Age of the request that has waited longest.",
            batcher.oldest_age_seconds(time.monotonic()),
        ),
    }
    return [
        *(gauge(name, text, (), {(): float(value)}) for name, (text, value) in plain.items()),
        gauge("penstock_backend_up", "1 while the backend has a live version.", ("backend",), {(backend.name,): up}),
        *_model_gauges(statuses, labels),
        gauge("penstock_build_info", "Always 1.", ("version",), {(version("penstock"),): 1.0}),
    ]


def _model_gauges(statuses: Statuses, labels: Mapping[str, Mapping[str, int]]) -> list[Metric]:
    states: dict[Key, float] = {}
    load: dict[Key, float] = {}
    warmup: dict[Key, float] = {}
    info: dict[Key, float] = {}
    for model, versions in statuses.items():
        for number, status in versions.items():
            key = (model, str(number))
            states.update({(*key, state.value): float(state is status.state) for state in VersionState})
            if status.load_seconds is not None:
                load[key] = status.load_seconds
            if status.warmup_seconds is not None:
                warmup[key] = status.warmup_seconds
            names = sorted(label for label, target in labels.get(model, {}).items() if target == number)
            info[*key, ",".join(names)] = 1.0
    version_labels = ("model_name", "model_version")
    return [
        gauge("penstock_model_state", "1 for the state a version is in.", (*version_labels, "state"), states),
        gauge("penstock_model_info", "Always 1; the labels that point at it.", (*version_labels, "labels"), info),
        gauge("penstock_model_load_duration_seconds", "Loading the version took this.", version_labels, load),
        gauge("penstock_model_warmup_duration_seconds", "Warming it up took this.", version_labels, warmup),
    ]
