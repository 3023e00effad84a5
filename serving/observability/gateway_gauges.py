"""What the scrape asks of the running gateway: queues and slots of all workers, models and their states here."""

from collections.abc import Mapping
from importlib.metadata import version
from types import MappingProxyType
from typing import TypeAlias

from prometheus_client.metrics_core import Metric

from serving.backend_protocol import Backend, VersionState, VersionStatus
from serving.batching.batcher import Batcher
from serving.observability.board import Board, Moment
from serving.observability.cells import Key
from serving.observability.families import gauge

Labels: TypeAlias = Mapping[str, Mapping[str, int]]
Statuses: TypeAlias = Mapping[str, Mapping[int, VersionStatus]]


def moment_of(batcher: Batcher, now: float) -> Moment:
    """What this process shows on the board; `now` on the monotonic clock, which all processes share."""
    core, age = batcher.core, batcher.oldest_age_seconds(now)
    return Moment(core.in_flight, core.slots, core.queued_rows, now - age if age else 0.0)


def queue_gauges(board: Board, now: float) -> list[Metric]:
    """Summed over the live workers; the oldest age is that of whichever has the oldest."""
    moments = [row.moment for row in board.live().values()]
    ages = [now - moment.waiting_since_seconds for moment in moments if moment.waiting_since_seconds]
    plain = {
        "penstock_inflight_batches": ("Backend calls under way.", sum(m.in_flight_batches for m in moments)),
        "penstock_inflight_limit": ("Backend calls allowed at once.", sum(m.in_flight_limit for m in moments)),
        "penstock_queue_rows": ("Rows that wait for a slot.", sum(m.queue_rows for m in moments)),
        "penstock_queue_oldest_age_seconds": (
            "Age of the request that has waited longest.",
            max(0.0, *ages) if ages else 0.0,
        ),
    }
    return [gauge(name, text, (), {(): float(value)}) for name, (text, value) in plain.items()]


def model_gauges(backend: Backend, labels: Labels, moving: Labels = MappingProxyType({})) -> list[Metric]:
    """Of this process's backend; `labels` has each model's labels and the versions they answer with, `moving` the
    versions that are not live and that some of them point at.
    """
    statuses = backend.status()
    up = any(s.state is VersionState.AVAILABLE for versions in statuses.values() for s in versions.values())
    return [
        gauge("penstock_backend_up", "1 while the backend has a live version.", ("backend",), {(backend.name,): up}),
        gauge(
            "penstock_backend_replica_up",
            "1 while the model server answers.",
            ("backend", "address"),
            {(backend.name, address): float(answers) for address, answers in backend.replicas().items()},
        ),
        *_version_gauges(statuses, labels, moving),
        gauge("penstock_build_info", "Always 1.", ("version",), {(version("penstock"),): 1.0}),
    ]


def credential_gauge(healthy: Mapping[str, bool]) -> Metric:
    """By source, `keys` or `tokens`; none where nobody is asked for a credential."""
    text = "1 while the source of credentials could be read."
    values: dict[Key, float] = {(source,): float(each) for source, each in healthy.items()}
    return gauge("penstock_credentials_healthy", text, ("source",), values)


def _version_gauges(statuses: Statuses, labels: Labels, moving: Labels) -> list[Metric]:
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
            info[*key, _names(labels, model, number), _names(moving, model, number)] = 1.0
    version_labels = ("model_name", "model_version")
    return [
        gauge("penstock_model_state", "1 for the state a version is in.", (*version_labels, "state"), states),
        gauge(
            "penstock_model_info",
            "Always 1; the labels that answer with it, and those that wait for it.",
            (*version_labels, "labels", "awaited_by"),
            info,
        ),
        gauge("penstock_model_load_duration_seconds", "Loading the version took this.", version_labels, load),
        gauge("penstock_model_warmup_duration_seconds", "Warming it up took this.", version_labels, warmup),
    ]


def _names(labels: Labels, model: str, version: int) -> str:
    return ",".join(sorted(label for label, target in labels.get(model, {}).items() if target == version))
