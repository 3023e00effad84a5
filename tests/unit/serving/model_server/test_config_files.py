from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.contract.manifest import Export, Manifest
from serving.contract.model_directory import model_paths
from serving.errors import PublishError
from serving.model_server.config_files import ConfigFolder, follow, write_all
from serving.model_server.configs import monitoring_config
from serving.model_server.text_protos import parse_text

WriteVersion = Callable[[Manifest], None]
ManifestWith = Callable[..., Manifest]


@pytest.fixture
def folder(tmp_path: Path) -> ConfigFolder:
    (tmp_path / "models").mkdir()
    return ConfigFolder(tmp_path / "models", tmp_path / "config", "/models", 2)


def loaded(folder: ConfigFolder) -> dict[str, tuple[list[int], dict[str, int]]]:
    configs = parse_text("models.config", (folder.out / "models.config").read_text()).model_config_list.config
    return {
        config.name: (list(config.model_version_policy.specific.versions), dict(config.version_labels))
        for config in configs
    }


def looks(folder: ConfigFolder, *between: Callable[[], Any]) -> Iterator[str]:
    """What `follow` tells with something done before each of its looks."""
    steps = iter(between)

    def rested() -> bool:
        step = next(steps, None)
        if step:
            step()
        return step is not None

    return follow(folder, rested)


def nothing() -> None:
    pass


def test_all_three_files_are_written(
    folder: ConfigFolder, write_version: WriteVersion, manifest_with: ManifestWith
) -> None:
    write_version(manifest_with(export=Export(profile="gpu", allowed_batch_rows=(4, 16))))
    told = write_all(folder)
    assert told == tuple(f"wrote {folder.out}/{name}.config" for name in ("models", "batching", "monitoring"))
    assert loaded(folder) == {"doubles": ([1], {})}
    assert "allowed_batch_sizes: 16" in (folder.out / "batching.config").read_text()
    assert write_all(folder)[0] == f"kept {folder.out}/models.config"


def test_where_nothing_is_published_nothing_is_written(folder: ConfigFolder) -> None:
    with pytest.raises(PublishError, match="no model has a version yet"):
        write_all(folder)
    assert not folder.out.exists()


def test_a_damaged_labels_file_is_told_and_does_not_stop_it(
    folder: ConfigFolder, write_version: WriteVersion, manifest_with: ManifestWith
) -> None:
    write_version(manifest_with())
    model_paths(folder.models, "doubles").labels.write_text("{")
    assert "note: doubles/labels.json: not JSON" in write_all(folder)


def test_following_writes_when_something_changed_and_only_then(
    folder: ConfigFolder, write_version: WriteVersion, manifest_with: ManifestWith
) -> None:
    labels = model_paths(folder.models, "doubles").labels
    told = looks(
        folder,
        nothing,
        lambda: write_version(manifest_with()),
        nothing,
        lambda: write_version(manifest_with(version=2)),
        lambda: labels.write_text('{"stable": 1}'),
    )
    wrote = f"wrote {folder.out}/models.config: doubles "
    assert list(told) == [wrote + "1", wrote + "1+2", wrote + "1+2 (stable 1)"]
    assert loaded(folder) == {"doubles": ([1, 2], {"stable": 1})}
    assert (folder.out / "monitoring.config").read_text() == monitoring_config()


def test_what_cannot_be_read_stays_as_it_was(
    folder: ConfigFolder, write_version: WriteVersion, manifest_with: ManifestWith
) -> None:
    write_version(manifest_with())
    labels, away = model_paths(folder.models, "doubles").labels, folder.models.with_name("away")
    labels.write_text('{"stable": 1}')
    told = list(
        looks(
            folder, nothing, lambda: labels.write_text('{"stab'), nothing, lambda: folder.models.rename(away), nothing
        )
    )
    assert loaded(folder) == {"doubles": ([1], {"stable": 1})}
    assert [line.split(":")[0] for line in told[1:]] == ["doubles/labels.json", "the model directory cannot be read"]


def test_a_file_that_cannot_be_written_is_tried_again(
    folder: ConfigFolder, write_version: WriteVersion, manifest_with: ManifestWith
) -> None:
    write_version(manifest_with())
    file = folder.out / "models.config"
    told = list(looks(folder, file.mkdir, file.rmdir))
    assert told[0].startswith(f"cannot write {file}")
    assert told[1].startswith("wrote")


def test_a_folder_that_cannot_be_written_is_told_at_once(folder: ConfigFolder) -> None:
    folder.out.write_text("in the way")
    with pytest.raises(PublishError, match="cannot write"):
        next(looks(folder, nothing))


def test_following_brings_the_monitoring_file_too(folder: ConfigFolder) -> None:
    assert list(looks(folder)) == []
    assert "enable: true" in (folder.out / "monitoring.config").read_text()
