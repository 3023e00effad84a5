"""Writes TensorFlow Serving's files into a folder, and keeps models.config as the model directory has it.

The shell around `configs`: a file is replaced at once, so that a server that reads it in that moment sees one or the
other; and only when it changed, so that its time of change means something.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from serving.errors import PublishError
from serving.model_server.configs import (
    LabelShare,
    PublishedModel,
    batching_config,
    models_config,
    monitoring_config,
    shared_batch_rows,
    versions_to_load,
)
from serving.model_server.published_models import published_models
from serving.model_server.trusted_versions import TrustedVersions
from serving.model_store.atomic_file import write_atomically
from serving.model_store.disk_errors import disk_errors
from serving.model_store.snapshot import DirectorySnapshot, read_snapshot
from serving.model_store.trust import ANY_SIGNER, Trust

MODELS, BATCHING, MONITORING = "models.config", "batching.config", "monitoring.config"


@dataclass(frozen=True, slots=True)
class ConfigFolder:
    """`base_path` is the model directory as the server sees it; `batch_threads` how many batches it runs at once;
    `share` which versions it has, where others have the rest; `trust` which it may have at all.
    """

    models: Path
    out: Path
    base_path: str
    batch_threads: int
    share: LabelShare | None = None
    trust: Trust = ANY_SIGNER


def write_all(folder: ConfigFolder) -> tuple[str, ...]:
    """All three files; what was written, and what a person should know of it. Raises PublishError, IntegrityError."""
    snapshot = TrustedVersions(folder.models, folder.trust).of(read_snapshot(folder.models, DirectorySnapshot()))
    if not snapshot.models:
        raise PublishError(
            f"{'; '.join(snapshot.faults) or 'no model has a version yet'}: nothing to serve, nothing written"
        )
    found = _found(folder, snapshot)
    texts = {
        MODELS: models_config(found, folder.base_path),
        BATCHING: batching_config(found, threads=folder.batch_threads),
        MONITORING: monitoring_config(),
    }
    told = [f"{_write(folder.out / name, text)} {folder.out / name}" for name, text in texts.items()]
    if shared_batch_rows(found) is None:
        told.append("note: the models' versions allow no batch size in common, so batching.config allows any")
    return (*told, *(f"note: {fault}" for fault in snapshot.faults))


def follow(folder: ConfigFolder, rested: Callable[[], bool]) -> Iterator[str]:
    """Keeps models.config in step until `rested`, which waits between two looks, says that it is over; yields what
    there is to tell. What cannot be read stays as it was at the look before, as for the gateway. Raises PublishError
    when nothing can be written from the start.
    """
    _write(folder.out / MONITORING, monitoring_config())  # which no change of the models changes
    snapshot = DirectorySnapshot()
    told: tuple[str, ...] = ()
    trusted = TrustedVersions(folder.models, folder.trust)
    while rested():
        snapshot = read_snapshot(folder.models, snapshot)
        shown = trusted.of(snapshot)
        if shown.faults != told:
            told = shown.faults
            yield from told
        if not shown.models:
            continue
        try:
            found = _found(folder, shown)
            if _write(folder.out / MODELS, models_config(found, folder.base_path)) == "wrote":
                yield f"wrote {folder.out / MODELS}: {', '.join(map(_shown, found))}"
            _write(folder.out / MONITORING, monitoring_config())  # last: whoever sees it has both
        except PublishError as error:  # a full disk: tried again at the next look
            yield str(error)


def _found(folder: ConfigFolder, snapshot: DirectorySnapshot) -> tuple[PublishedModel, ...]:
    models = published_models(folder.models, snapshot)
    return tuple(folder.share.of(model) for model in models) if folder.share else models


def _write(path: Path, text: str) -> str:
    with disk_errors(f"cannot write {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() and path.read_text(errors="replace") == text:
            return "kept"
        write_atomically(path, text.encode())
    return "wrote"


def _shown(model: PublishedModel) -> str:
    labels = ", ".join(f"{label} {version}" for label, version in sorted(model.labels.items()))
    return f"{model.name} {'+'.join(map(str, versions_to_load(model)))}{f' ({labels})' if labels else ''}"
