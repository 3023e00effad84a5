"""What models.config, batching.config and monitoring.config say, worked out from the model directory.

Pure: facts in, text out. Each text is parsed again by its schema before it is handed over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from serving.model_server.text_protos import empty_message, parse_text, render_text
from serving.model_store.audit import AuditEntry
from serving.model_store.labels import answering_version
from serving.model_store.rollback import rollback_target

METRICS_PATH = "/monitoring/prometheus/metrics"
"""Where TensorFlow Serving's own documentation has its metrics; on its REST port."""
BATCH_TIMEOUT_MICROSECONDS = 0
"""Nobody waits for company: what is waiting anyway makes the batch, as in the gateway."""
MAX_BATCH_ROWS = 64
"""Where no version says which sizes it allows; the gateway's own default."""
_HEADER = "# Written by `penstock model-server config`. {}\n"


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """`versions` are those on the disk, whole; `allowed_batch_rows` what the answering version's manifest allows."""

    name: str
    versions: tuple[int, ...]
    labels: Mapping[str, int]
    history: tuple[AuditEntry, ...] = ()
    allowed_batch_rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelShare:
    """What one of two groups of servers has: the version of `label` alone, or (`only` false) all but that version.

    A canary's servers and the others: what a canary costs or breaks stays on its own. Others keep the version where
    another label names it too, or requests that name none get it: it is then no canary any more.
    """

    label: str
    only: bool

    def of(self, model: PublishedModel) -> PublishedModel:
        version = model.labels.get(self.label)
        if self.only:
            versions = tuple(each for each in model.versions if each == version)
            return replace(model, versions=versions, labels=_without(model.labels, self.label, keep=True), history=())
        labels = _without(model.labels, self.label, keep=False)
        if version in {*labels.values(), answering_version(labels, model.versions)}:
            return model
        return replace(model, versions=tuple(each for each in model.versions if each != version), labels=labels)


def _without(labels: Mapping[str, int], label: str, *, keep: bool) -> dict[str, int]:
    return {name: version for name, version in labels.items() if (name == label) == keep}


def versions_to_load(model: PublishedModel) -> tuple[int, ...]:
    """The labelled versions (the candidate of a promotion has a label), the newest, and the one that a roll back
    returns to, so that rolling back loads nothing. Only versions that are there: the server waits for others in vain.
    """
    wanted = {*model.labels.values(), max(model.versions, default=0)}
    answering = answering_version(model.labels, model.versions)
    if answering is not None:
        wanted.add(rollback_target(answering, model.versions, model.history) or 0)
    return tuple(sorted(wanted.intersection(model.versions)))


def models_config(models: Sequence[PublishedModel], base_path: str) -> str:
    """One config a model, in the order of names. Models without a version are left out: a base path that is not there
    makes the server wait for it, and every later change of its configuration with it.
    """
    message = empty_message("models.config")
    message.model_config_list.SetInParent()
    for model in sorted(models, key=lambda each: each.name):
        versions = versions_to_load(model)
        if not versions:
            continue
        config = message.model_config_list.config.add(
            name=model.name, base_path=f"{base_path.rstrip('/')}/{model.name}", model_platform="tensorflow"
        )
        config.model_version_policy.specific.versions.extend(versions)
        for label, version in sorted(model.labels.items()):
            if version in versions:
                config.version_labels[label] = version
    return _checked("models.config", message, "Labels and versions as the model directory has them.")


def batching_config(models: Sequence[PublishedModel], *, threads: int) -> str:
    """For a server with `--enable_batching=true`; one file holds for all its models.

    The sizes are those that every model with fixed sizes allows; where they share none, any is allowed.
    """
    message = empty_message("batching.config")
    sizes = shared_batch_rows(models)
    message.max_batch_size.value = sizes[-1] if sizes else MAX_BATCH_ROWS
    message.batch_timeout_micros.value = BATCH_TIMEOUT_MICROSECONDS
    message.max_enqueued_batches.value = 8 * threads
    message.num_batch_threads.value = threads
    message.allowed_batch_sizes.extend(sizes or ())
    return _checked("batching.config", message, "Read with --enable_batching=true alone; the gateway batches already.")


def shared_batch_rows(models: Sequence[PublishedModel]) -> tuple[int, ...] | None:
    """The sizes that all models with fixed sizes allow, rising; () where none has any, None where they share none."""
    fixed = [set(model.allowed_batch_rows) for model in models if model.allowed_batch_rows]
    if not fixed:
        return ()
    return tuple(sorted(set.intersection(*fixed))) or None


def monitoring_config() -> str:
    message = empty_message("monitoring.config")
    message.prometheus_config.enable = True
    message.prometheus_config.path = METRICS_PATH
    return _checked("monitoring.config", message, "Served on the server's REST port, so --rest_api_port is needed.")


def _checked(kind: Any, message: Any, remark: str) -> str:
    text = _HEADER.format(remark) + render_text(message)
    if parse_text(kind, text) != message:
        raise AssertionError(f"{kind} does not read back as it was written")
    return text
