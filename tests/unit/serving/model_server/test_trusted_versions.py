"""A model server is told of no version that may not be loaded, and a failing disk takes none from it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from serving.contract.manifest import Manifest
from serving.contract.model_directory import VersionPaths, model_paths
from serving.model_server.trusted_versions import LONGEST_PAUSE_LOOKS, TrustedVersions
from serving.model_store.snapshot import DirectorySnapshot, read_snapshot
from serving.model_store.trust import Trust

READ_FILE = b"\x12\x0e\x12\x0c\x0a\x0a\x12\x08ReadFile"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def second(
    models: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]
) -> VersionPaths:
    for version in (1, 2):
        write_version(manifest_with(version=version))
    return model_paths(models, "doubles").version(2)


def looked(trusted: TrustedVersions, models: Path) -> DirectorySnapshot:
    return trusted.of(read_snapshot(models, DirectorySnapshot()))


def test_what_may_not_be_loaded_is_left_out_and_told(models: Path, second: VersionPaths) -> None:
    second.saved_model.write_bytes(READ_FILE)
    shown = looked(TrustedVersions(models, Trust()), models)
    assert shown.models["doubles"].versions == (1,)
    assert [fault.partition(":")[0] for fault in shown.faults] == ["doubles 2 is left out"]
    allowing = TrustedVersions(models, Trust(allowed_operations=frozenset({"ReadFile"})))
    assert looked(allowing, models).models["doubles"].versions == (1, 2)


def test_what_was_let_in_stays_while_it_is_there(models: Path, second: VersionPaths) -> None:
    trusted = TrustedVersions(models, Trust())
    looked(trusted, models)
    second.saved_model.write_bytes(READ_FILE)
    assert looked(trusted, models).models["doubles"].versions == (1, 2)


@pytest.mark.parametrize("looks", [1, 3, LONGEST_PAUSE_LOOKS, 5 * LONGEST_PAUSE_LOOKS + 1])
def test_what_was_refused_is_looked_at_again(models: Path, second: VersionPaths, looks: int) -> None:
    graph = second.saved_model.read_bytes()
    second.saved_model.write_bytes(READ_FILE)
    trusted = TrustedVersions(models, Trust())
    for _ in range(looks):
        assert looked(trusted, models).models["doubles"].versions == (1,)
    second.saved_model.write_bytes(graph)
    more = range(LONGEST_PAUSE_LOOKS)
    assert any(looked(trusted, models).models["doubles"].versions == (1, 2) for _ in more)
