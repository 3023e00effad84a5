"""Reads from the model directory what TensorFlow Serving's files are made of. Changes nothing."""

from pathlib import Path

from serving.errors import IntegrityError, UnknownVersion
from serving.model_server.configs import PublishedModel
from serving.model_store.audit import read_audit
from serving.model_store.labels import answering_version
from serving.model_store.snapshot import DirectorySnapshot, ModelOnDisk
from serving.model_store.versions import read_manifest


def published_models(models: Path, snapshot: DirectorySnapshot) -> tuple[PublishedModel, ...]:
    """Each model of `snapshot` with what its history and its answering version say. A history that is damaged counts
    as none, and a manifest that is damaged allows any number of rows: the doctor tells of them.
    """
    return tuple(_published(models, name, found) for name, found in sorted(snapshot.models.items()))


def _published(models: Path, name: str, found: ModelOnDisk) -> PublishedModel:
    try:
        history = read_audit(models, name)
    except IntegrityError:
        history = ()
    return PublishedModel(name, found.versions, found.labels, history, _allowed_batch_rows(models, name, found))


def _allowed_batch_rows(models: Path, name: str, found: ModelOnDisk) -> tuple[int, ...]:
    answering = answering_version(found.labels, found.versions)
    if answering is None:
        return ()
    try:
        manifest = read_manifest(models, name, answering)
    except (IntegrityError, UnknownVersion):
        return ()
    return manifest.export.allowed_batch_rows if manifest else ()
