import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from serving.contract.manifest import GoldenExample, Manifest, Metrics, Tolerance
from serving.contract.model_directory import model_paths
from serving.errors import IntegrityError, PublishError
from serving.model_store.audit import read_audit
from serving.model_store.publishing import publish
from serving.model_store.staging import staging
from serving.model_store.versions import list_versions, read_manifest

INFINITE = GoldenExample.model_construct(
    instance={"age": float("inf")}, outputs={}, tolerance=Tolerance(absolute=0, relative=0)
)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_first_version_is_one_and_the_next_is_two(models: Path, publish_one: Callable[[str], int]) -> None:
    assert [publish_one("digits"), publish_one("digits")] == [1, 2]
    assert list_versions(models, "digits") == (1, 2)


def test_the_manifest_gets_number_digests_and_moment(
    models: Path, publish_one: Callable[[str], int], noon: datetime
) -> None:
    publish_one("digits")
    manifest = read_manifest(models, "digits", 1)
    assert manifest is not None
    assert (manifest.version, manifest.created_at) == (1, noon)
    assert manifest.files == {
        "saved_model.pb": hashlib.sha256(b"\x08\x01").hexdigest(),
        "variables/variables.index": hashlib.sha256(b"weights").hexdigest(),
    }


def test_only_the_version_and_the_models_own_files_remain(models: Path, publish_one: Callable[[str], int]) -> None:
    publish_one("digits")
    assert names_in(models / "digits") == [".lock", "1", "audit.jsonl", "highest_version"]
    assert names_in(models / "digits" / "1") == ["assets.extra", "saved_model.pb", "variables"]


def test_a_number_is_not_given_again_after_its_version_is_gone(models: Path, publish_one: Callable[[str], int]) -> None:
    publish_one("digits")
    model_paths(models, "digits").version(1).root.rename(models / "moved-away")
    assert publish_one("digits") == 2


def test_a_folder_copied_there_by_hand_counts(models: Path, publish_one: Callable[[str], int]) -> None:
    (models / "digits" / "7").mkdir(parents=True)
    assert publish_one("digits") == 8


def test_publishing_goes_on_record(models: Path, publish_one: Callable[[str], int], noon: datetime) -> None:
    publish_one("digits")
    (entry,) = read_audit(models, "digits")
    assert (entry.action, entry.version, entry.by, entry.at) == ("published", 1, "test", noon)


def test_a_folder_without_a_saved_model_is_refused(
    models: Path, make_manifest: Callable[[str], Manifest], noon: datetime
) -> None:
    with (
        staging(models, "digits") as staged,
        pytest.raises(PublishError, match=r"holds no saved_model\.pb"),
    ):
        publish(models, staged, make_manifest("digits"), by="test", reason="", now=noon)
    assert list_versions(models, "digits") == ()


def test_a_folder_staged_for_another_model_is_refused(
    models: Path, make_manifest: Callable[[str], Manifest], noon: datetime
) -> None:
    with staging(models, "digits") as staged:
        staged.saved_model.write_bytes(b"graph")
        with pytest.raises(PublishError, match="not one of this model's"):
            publish(models, staged, make_manifest("diabetes"), by="test", reason="", now=noon)


def test_a_link_in_a_version_is_refused(models: Path, make_manifest: Callable[[str], Manifest], noon: datetime) -> None:
    with staging(models, "digits") as staged:
        staged.saved_model.write_bytes(b"graph")
        (staged.root / "assets").symlink_to("/etc")
        with pytest.raises(PublishError, match="assets is neither a plain file nor a folder"):
            publish(models, staged, make_manifest("digits"), by="test", reason="", now=noon)


def test_a_damaged_highest_version_stops_publishing(models: Path, publish_one: Callable[[str], int]) -> None:
    publish_one("digits")
    (models / "digits" / "highest_version").write_text("one\n")
    with pytest.raises(IntegrityError, match="digits/highest_version: 'one' is not a version"):
        publish_one("digits")
    assert list_versions(models, "digits") == (1,)


def test_a_version_without_its_line_in_the_history_is_said_to_be_published(
    models: Path, publish_one: Callable[[str], int]
) -> None:
    (models / "digits" / "audit.jsonl").mkdir(parents=True)
    with pytest.raises(PublishError, match="version 1 of 'digits' is published, but not on record"):
        publish_one("digits")
    assert list_versions(models, "digits") == (1,)


@pytest.mark.parametrize(
    ("unwritable", "complaint"),
    [
        (
            {"metrics": Metrics.model_construct(test={"mae": float("nan")}, baseline={})},
            r"read again: manifest\.json: metrics/test/mae",
        ),
        ({"golden_examples": (INFINITE,)}, "its manifest's golden_examples would not read back the same"),
    ],
)
def test_a_manifest_that_could_not_be_read_again_is_refused(
    models: Path,
    make_manifest: Callable[[str], Manifest],
    noon: datetime,
    unwritable: dict[str, object],
    complaint: str,
) -> None:
    with staging(models, "digits") as staged:
        staged.saved_model.write_bytes(b"graph")
        manifest = make_manifest("digits").model_copy(update=unwritable)
        with pytest.raises(PublishError, match=complaint):
            publish(models, staged, manifest, by="test", reason="", now=noon)
    assert list_versions(models, "digits") == ()
