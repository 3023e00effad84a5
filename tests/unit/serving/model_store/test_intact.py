from collections.abc import Callable
from pathlib import Path

import pytest

from serving.contract.model_directory import VersionPaths, model_paths
from serving.errors import IntegrityError
from serving.model_store.intact import check_intact
from serving.model_store.versions import read_manifest


@pytest.fixture
def version(models: Path, publish_one: Callable[[str], int]) -> VersionPaths:
    return model_paths(models, "digits").version(publish_one("digits"))


def check(models: Path, version: VersionPaths) -> None:
    manifest = read_manifest(models, "digits", int(version.root.name))
    assert manifest
    check_intact(version, manifest)


def test_a_version_as_published_is_intact(models: Path, version: VersionPaths) -> None:
    check(models, version)


@pytest.mark.parametrize("name", ["saved_model.pb", "variables/variables.index"])
def test_one_bit_turned_over_in_any_file_is_named(models: Path, version: VersionPaths, name: str) -> None:
    content = bytearray((version.root / name).read_bytes())
    content[len(content) // 2] ^= 4
    (version.root / name).write_bytes(content)
    with pytest.raises(IntegrityError, match=f"{name} is not what was published"):
        check(models, version)


def test_a_file_that_is_gone_is_named_without_its_path(models: Path, version: VersionPaths) -> None:
    version.saved_model.unlink()
    with pytest.raises(IntegrityError, match=r"^saved_model.pb cannot be read: No such file or directory$"):
        check(models, version)


def test_what_never_changes_an_answer_may_change(models: Path, version: VersionPaths) -> None:
    version.warmup_records.write_bytes(b"recorded later")
    check(models, version)
