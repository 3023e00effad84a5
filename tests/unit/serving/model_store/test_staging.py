from pathlib import Path

import pytest

from serving.errors import PublishError, UnknownModel
from serving.model_store.staging import staging


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def left_in(folder: Path) -> list[str]:
    return [name for name in names_in(folder) if name != ".lock"]


def test_staging_lies_in_the_models_folder_and_starts_with_a_dot(models: Path) -> None:
    with staging(models, "digits") as staged:
        assert staged.root.parent == models / "digits"
        assert staged.root.name.startswith(".staging-")
        assert names_in(staged.root) == []


def test_staging_leaves_nothing_behind(models: Path) -> None:
    with staging(models, "digits") as staged:
        staged.saved_model.write_bytes(b"graph")
    assert left_in(models / "digits") == []


def test_staging_leaves_nothing_behind_when_the_job_fails(models: Path) -> None:
    with pytest.raises(ZeroDivisionError), staging(models, "digits"):
        _ = 1 / 0
    assert left_in(models / "digits") == []


def test_a_dead_jobs_folder_is_removed_by_the_next(models: Path) -> None:
    dead = models / "digits" / ".staging-0123"
    dead.mkdir(parents=True)
    (dead / "saved_model.pb").write_bytes(b"half")
    (models / "digits" / ".staging-0123.lock").touch()
    (models / "digits" / ".staging-4567.lock").touch()
    with staging(models, "digits"):
        pass
    assert left_in(models / "digits") == []


def test_a_half_pruned_version_is_removed_by_the_next(models: Path) -> None:
    (models / "digits" / ".pruned-1-89ab" / "variables").mkdir(parents=True)
    with staging(models, "digits"):
        pass
    assert left_in(models / "digits") == []


def test_a_concurrent_jobs_folder_is_not_touched(models: Path) -> None:
    with staging(models, "digits") as first:
        first.saved_model.write_bytes(b"graph")
        with staging(models, "digits") as second:
            assert second.root != first.root
            assert first.saved_model.read_bytes() == b"graph"
        assert first.saved_model.read_bytes() == b"graph"


@pytest.mark.parametrize("name", ["../digits", ".digits", "", "a/b"])
def test_a_name_that_leads_elsewhere_is_refused(models: Path, name: str) -> None:
    with pytest.raises(UnknownModel), staging(models, name):
        pass
    assert not models.exists()


def test_a_model_directory_that_is_a_file_is_a_publish_error(models: Path) -> None:
    models.write_bytes(b"")
    with pytest.raises(PublishError, match="cannot stage a version of 'digits'"), staging(models, "digits"):
        pass
