from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.contract.features import NumberFeature
from serving.contract.manifest import Lineage, Manifest, Metrics, Regression
from serving.model_store.publishing import publish
from serving.model_store.staging import staging

NOON = datetime(2030, 1, 2, 12, 0, tzinfo=UTC)

MakeManifest = Callable[[str], Manifest]
PublishOne = Callable[[str], int]


@pytest.fixture
def noon() -> datetime:
    return NOON


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture(scope="session")
def make_manifest() -> MakeManifest:
    return _manifest


@pytest.fixture
def publish_one(models: Path) -> PublishOne:
    """Publishes the next version of the named model, of two small files."""

    def publish_next(model: str) -> int:
        with staging(models, model) as staged:
            staged.saved_model.write_bytes(b"\x08\x01")
            (staged.root / "variables").mkdir()
            (staged.root / "variables" / "variables.index").write_bytes(b"weights")
            return publish(models, staged, _manifest(model), by="test", reason="", now=NOON)

    return publish_next


def _manifest(model: str) -> Manifest:
    return Manifest(
        model=model,
        version=1,
        features=(NumberFeature(name="age"),),
        outputs=Regression(target="progression"),
        signatures={},
        metrics=Metrics(test={"mae": 41.5}, baseline={"mae": 62.0}),
        lineage=Lineage(source="test", sha256="0" * 64, rows={"train": 3, "test": 1}, seed=7),
        job_sha256="1" * 64,
        frameworks={"keras": "3"},
        created_at=NOON,
    )
