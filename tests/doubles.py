"""A model in miniature, `doubles`: its manifest, and a model directory that holds it as publishing leaves it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from serving.contract.features import NumberFeature
from serving.contract.manifest import Lineage, Manifest, Metrics, Regression, render_manifest
from serving.contract.model_directory import model_paths
from serving.contract.tensors import Signature, TensorSpec


def doubles_manifest(**fields: Any) -> Manifest:
    """A regressor `doubles`, version 1, of one number `x`; fields by keyword."""
    signature = Signature((TensorSpec("x", "float32", ()),), (TensorSpec("value", "float32", (1,)),))
    given: dict[str, Any] = {
        "model": "doubles",
        "version": 1,
        "features": (NumberFeature(name="x"),),
        "outputs": Regression(target="twice x"),
        "signatures": {"serving_default": signature},
        "metrics": Metrics(test={"mae": 0.0}, baseline={"mae": 1.0}),
        "lineage": Lineage(source="test", sha256="0" * 64, rows={"train": 3}, seed=7),
        "job_sha256": "1" * 64,
        "frameworks": {"keras": "3"},
        "created_at": datetime(2030, 1, 2, tzinfo=UTC),
        **fields,
    }
    return Manifest(**given)


def publish_in_miniature(models: Path, manifest: Manifest) -> None:
    """A version of two files, one of them a SavedModel without a graph: enough for all but the embedded backend."""
    version = model_paths(models, manifest.model).version(manifest.version)
    version.extra.mkdir(parents=True)
    version.saved_model.write_bytes(b"\x08\x01")
    version.manifest.write_bytes(render_manifest(manifest))
