"""The version that answers now, as its manifest describes it: what a new one is measured against."""

from pathlib import Path

from serving.contract.manifest import Manifest
from serving.errors import UnknownModel
from serving.model_store.labels import answering_version, read_labels
from serving.model_store.versions import list_versions, read_manifest


def live_manifest(models: Path, model: str) -> Manifest | None:
    """None when the model has no version, or one without a manifest. Raises IntegrityError for damaged files."""
    try:
        version = answering_version(read_labels(models, model), list_versions(models, model))
    except UnknownModel:
        return None
    return read_manifest(models, model, version) if version else None
