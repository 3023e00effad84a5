from collections.abc import Callable
from pathlib import Path

import pytest

from serving.errors import IntegrityError, UnknownModel, UnknownVersion
from serving.model_store.versions import list_models, list_versions, read_manifest


def add_version(models: Path, model: str, folder: str) -> Path:
    path = models / model / folder
    path.mkdir(parents=True)
    (path / "saved_model.pb").touch()
    return path


def test_versions_ascend_as_numbers(models: Path) -> None:
    for name in ("10", "9", "100"):
        add_version(models, "digits", name)
    assert list_versions(models, "digits") == (9, 10, 100)


@pytest.mark.parametrize("name", ["0", "01", "-1", "1.0", "v1", ".staging-1", ".pruned-1-2", "٣"])
def test_a_folder_that_is_no_plain_number_is_no_version(models: Path, name: str) -> None:
    add_version(models, "digits", name)
    assert list_versions(models, "digits") == ()


def test_a_folder_without_a_saved_model_is_no_version(models: Path) -> None:
    (models / "digits" / "1").mkdir(parents=True)
    assert list_versions(models, "digits") == ()


def test_models_are_the_folders_that_have_a_version(models: Path) -> None:
    add_version(models, "digits", "1")
    add_version(models, "diabetes", "1")
    add_version(models, ".hidden", "1")
    (models / "empty").mkdir()
    (models / "README").touch()
    assert list_models(models) == ("diabetes", "digits")


def test_an_unknown_model_is_told_the_known_ones(models: Path) -> None:
    add_version(models, "digits", "1")
    with pytest.raises(UnknownModel, match="no model 'digit'; there are: digits"):
        list_versions(models, "digit")


def test_a_vanished_model_directory_is_an_error_and_not_an_empty_one(models: Path) -> None:
    with pytest.raises(IntegrityError, match="the model directory cannot be read: No such file") as caught:
        list_models(models)
    assert str(models) not in str(caught.value)
    with pytest.raises(IntegrityError):
        list_versions(models, "digits")


def test_a_saved_model_from_elsewhere_has_no_manifest(models: Path) -> None:
    add_version(models, "digits", "1")
    assert read_manifest(models, "digits", 1) is None


def test_the_manifest_of_a_version_that_is_not_there_is_unknown(models: Path) -> None:
    add_version(models, "digits", "1")
    with pytest.raises(UnknownVersion, match="no version 2 of 'digits'"):
        read_manifest(models, "digits", 2)


def test_a_damaged_manifest_is_named_relative_to_the_model_directory(
    models: Path, publish_one: Callable[[str], int]
) -> None:
    publish_one("digits")
    (models / "digits" / "1" / "assets.extra" / "manifest.json").write_text('{"model": 5')
    with pytest.raises(IntegrityError, match=r"^digits/1/assets\.extra/manifest\.json: "):
        read_manifest(models, "digits", 1)


def test_a_manifest_in_another_versions_folder_is_refused(models: Path, publish_one: Callable[[str], int]) -> None:
    publish_one("digits")
    (models / "digits" / "1").rename(models / "digits" / "4")
    with pytest.raises(IntegrityError, match="the manifest of 'digits' version 1, and not of this folder"):
        read_manifest(models, "digits", 4)
