"""What the manifests of a model directory say their versions can answer, without loading any of them."""

from collections.abc import Mapping
from pathlib import Path

from serving.contract.tensors import Signature
from serving.model_store.versions import list_models, list_versions, read_manifest


def published_signatures(models: Path) -> dict[str, dict[int, Mapping[str, Signature]]]:
    """Each model's versions that have a manifest, with their signatures. Raises IntegrityError."""
    return {
        model: {
            version: manifest.signatures
            for version in list_versions(models, model)
            if (manifest := read_manifest(models, model, version)) is not None
        }
        for model in list_models(models)
    }
