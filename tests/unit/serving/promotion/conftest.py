"""Two versions to promote, and a gateway that serves them."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from serving.contract.manifest import Manifest
from serving.model_store.labels import set_label
from tests.unit.serving.promotion.little_gateway import (
    EXAMPLES,
    MODEL,
    NOON,
    LittleGateway,
)


@pytest.fixture
def models(tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]) -> Path:
    """Versions 1 and 2, `stable` at 1."""
    write_version(manifest_with(version=1, golden_examples=EXAMPLES))
    write_version(
        manifest_with(
            version=2, golden_examples=EXAMPLES, files={"saved_model.pb": hashlib.sha256(b"\x08\x01").hexdigest()}
        )
    )
    set_label(tmp_path / "models", MODEL, "stable", 1, by="test", reason="", now=NOON)
    return tmp_path / "models"


@pytest.fixture
def gateway(models: Path) -> LittleGateway:
    return LittleGateway(models)
