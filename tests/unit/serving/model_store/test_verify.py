from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from serving.model_store.labels import set_label
from serving.model_store.verify import verify_model, verify_version


@pytest.fixture
def version(models: Path, publish_one: Callable[[str], int]) -> Path:
    return models / "digits" / str(publish_one("digits"))


def problems(models: Path) -> list[tuple[str, str]]:
    return [(finding.file, finding.problem) for finding in verify_model(models, "digits")]


@pytest.mark.usefixtures("version")
def test_a_published_version_has_no_findings(models: Path) -> None:
    assert problems(models) == []


def test_every_kind_of_damage_is_found(models: Path, version: Path) -> None:
    (version / "variables" / "variables.index").write_bytes(b"weightz")
    (version / "saved_model.pb").unlink()
    (version / "assets.extra" / "note").touch()
    assert problems(models) == [
        ("saved_model.pb", "missing"),
        ("variables/variables.index", "changed"),
        ("assets.extra/note", "extra"),
    ]


def test_a_file_that_became_a_link_is_changed(models: Path, version: Path) -> None:
    (version / "saved_model.pb").rename(models / "graph")
    (version / "saved_model.pb").symlink_to(models / "graph")
    assert problems(models) == [("saved_model.pb", "changed")]


def test_a_damaged_manifest_is_a_finding(models: Path, version: Path) -> None:
    (version / "assets.extra" / "manifest.json").write_text("{")
    assert problems(models) == [("assets.extra/manifest.json", "unreadable")]


def test_a_version_without_a_manifest_cannot_be_verified(models: Path, version: Path) -> None:
    (version / "assets.extra" / "manifest.json").unlink()
    assert problems(models) == [("assets.extra/manifest.json", "unverifiable")]


def test_a_version_that_is_not_there_is_a_finding(models: Path) -> None:
    (finding,) = verify_version(models, "digits", 1)
    assert finding.problem == "unreadable"


def test_a_label_that_points_nowhere_is_a_finding(models: Path, version: Path, noon: datetime) -> None:
    set_label(models, "digits", "stable", 1, by="test", reason="", now=noon)
    version.rename(models / "moved-away")
    assert problems(models) == [("labels.json", "missing")]


@pytest.mark.usefixtures("version")
def test_damaged_labels_are_a_finding(models: Path) -> None:
    (models / "digits" / "labels.json").write_text("{")
    assert problems(models) == [("labels.json", "unreadable")]
