"""Manifests in miniature, and a model directory that holds them, for every part of serving."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from serving.contract.manifest import Manifest
from tests.doubles import doubles_manifest, publish_in_miniature

ManifestWith = Callable[..., Manifest]
WriteVersion = Callable[[Manifest], None]


@pytest.fixture(scope="session")
def manifest_with() -> ManifestWith:
    """A regressor `doubles`, version 1, of one number `x`; fields by keyword."""
    return doubles_manifest


@pytest.fixture
def write_version(tmp_path: Path) -> WriteVersion:
    """Puts a version of two files into the model directory `tmp_path / "models"`, as publishing leaves it."""
    return partial(publish_in_miniature, tmp_path / "models")
