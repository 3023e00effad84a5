"""Manifests in miniature, and a model directory that holds them, for every part of serving."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from serving.contract.features import NumberFeature
from serving.contract.manifest import Lineage, Manifest, Metrics, Regression, render_manifest
from serving.contract.model_directory import model_paths
from serving.contract.tensors import Signature, TensorSpec

ManifestWith = Callable[..., Manifest]
WriteVersion = Callable[[Manifest], None]


@pytest.fixture(scope="session")
def manifest_with() -> ManifestWith:
    """A regressor `doubles`, version 1, of one number `x`; fields by keyword."""
    return _manifest


@pytest.fixture
def write_version(tmp_path: Path) -> WriteVersion:
    """Puts a version of two files into the model directory `tmp_path / "models"`, as publishing leaves it."""

    def write(manifest: Manifest) -> None:
        version = model_paths(tmp_path / "models", manifest.model).version(manifest.version)
        version.extra.mkdir(parents=True)
        version.saved_model.write_bytes(b"graph")
        version.manifest.write_bytes(render_manifest(manifest))

    return write


def _manifest(**fields: Any) -> Manifest:
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
