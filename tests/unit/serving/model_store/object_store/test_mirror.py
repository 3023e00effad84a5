"""Passes over a store that is a folder."""

import json
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.contract.model_directory import model_paths
from serving.errors import Cancelled, PublishError, StoreUnavailable
from serving.model_store.audit import read_audit
from serving.model_store.labels import read_labels
from serving.model_store.object_store.address import parse_address
from serving.model_store.object_store.mirror import Mirror
from serving.model_store.object_store.push import push_label, push_version
from serving.model_store.object_store.store import ObjectStore, store_errors
from serving.model_store.object_store.wanted_files import Limits
from serving.model_store.verify import verify_model
from serving.model_store.versions import highest_version, list_versions

NOON = datetime(2030, 1, 2, tzinfo=UTC)

MakeMirror = Callable[..., Mirror]
PushOne = Callable[[], int]


def test_versions_come_whole_with_their_labels_and_stand_in_the_history(
    store: ObjectStore, node: Path, push_one: PushOne, make_mirror: MakeMirror, said: list[str]
) -> None:
    push_one()
    push_label(store, "digits", "stable", 1)
    assert make_mirror().one_pass()["digits"].versions == (1,)
    assert verify_model(node, "digits") == ()
    assert read_labels(node, "digits") == {"stable": 1}
    assert [(entry.action, entry.version) for entry in read_audit(node, "digits")] == [("mirrored", 1), ("promoted", 1)]
    assert highest_version(model_paths(node, "digits")) == 1
    assert said == ["digits 1: 3 files, " + said[0].split(", ", 1)[1], "digits: stable none -> 1"]


def test_a_second_pass_has_nothing_to_say(push_one: PushOne, make_mirror: MakeMirror, said: list[str]) -> None:
    push_one()
    mirror = make_mirror()
    first = mirror.one_pass()
    lines = len(said)
    assert mirror.one_pass() == first
    assert len(said) == lines


def test_labelled_and_newest_versions_stay_and_the_store_keeps_the_others(
    store: ObjectStore, node: Path, push_one: PushOne, make_mirror: MakeMirror
) -> None:
    for _ in range(4):
        push_one()
    push_label(store, "digits", "stable", 1)
    mirror = make_mirror(keep=1)
    mirror.one_pass()
    assert list_versions(node, "digits") == (1, 4)
    push_label(store, "digits", "stable", 4)
    mirror.one_pass()
    assert list_versions(node, "digits") == (1, 4)  # one pass more, for whoever still answers with it
    mirror.one_pass()
    assert list_versions(node, "digits") == (4,)
    assert store.model("digits").versions == (1, 2, 3, 4)


def test_a_version_too_many_stays_for_its_time(
    store: ObjectStore, node: Path, push_one: PushOne, make_mirror: MakeMirror
) -> None:
    mirror = make_mirror(keep=1, patience=3600)
    for _ in range(3):
        push_one()
        mirror.one_pass()
    mirror.one_pass()
    assert list_versions(node, "digits") == (1, 2, 3)
    assert store.model("digits").labels is None


def test_only_the_models_that_were_named(
    store: ObjectStore, models: Path, node: Path, publish_one: Callable[[str], int], make_mirror: MakeMirror
) -> None:
    for model in ("digits", "diabetes"):
        push_version(store, models, model, publish_one(model), concurrency=2)
    make_mirror("diabetes").one_pass()
    assert [path.name for path in node.iterdir()] == ["diabetes"]


def test_a_version_without_its_manifest_is_not_taken(
    folder: Path, node: Path, push_one: PushOne, make_mirror: MakeMirror
) -> None:
    push_one()
    push_one()
    manifest = folder / "digits" / "2" / "assets.extra" / "manifest.json"
    text = manifest.read_bytes()
    manifest.unlink()
    mirror = make_mirror(keep=1)
    report = mirror.one_pass()["digits"]
    assert (report.versions, dict(report.refused)) == ((1,), {2: "it has no manifest yet"})
    manifest.write_bytes(text[:100])
    assert mirror.one_pass()["digits"].versions == (1,)
    manifest.write_bytes(text)
    assert 2 in mirror.one_pass()["digits"].versions
    assert verify_model(node, "digits") == ()


def test_a_changed_file_is_refused_until_it_is_mended_and_the_label_waits(
    store: ObjectStore, node: Path, push_one: PushOne, make_mirror: MakeMirror, said: list[str]
) -> None:
    push_one()
    push_label(store, "digits", "stable", 1)
    mirror = make_mirror()
    mirror.one_pass()
    push_one()
    push_label(store, "digits", "stable", 2)
    weights = Path(store.address.path) / "digits" / "2" / "variables" / "variables.index"
    weights.write_bytes(b"WEIGHTS")
    del said[:]
    for _ in range(3):
        assert mirror.one_pass()["digits"].versions == (1,)
    assert len(said) == 1
    assert "variables/variables.index is not what the manifest says" in said[0]
    assert read_labels(node, "digits") == {"stable": 1}
    assert not [path for path in (node / "digits").iterdir() if path.name.startswith(".staging")]
    weights.write_bytes(b"weights")
    mirror.one_pass()
    assert read_labels(node, "digits") == {"stable": 2}


@pytest.mark.parametrize("name", ["../../escaped", "/etc/escaped", "a\\b", "assets.extra/manifest.json"])
def test_a_manifest_that_names_what_lies_elsewhere_is_refused(
    folder: Path, node: Path, push_one: PushOne, make_mirror: MakeMirror, name: str
) -> None:
    push_one()
    manifest = folder / "digits" / "1" / "assets.extra" / "manifest.json"
    content = json.loads(manifest.read_bytes())
    content["files"][name] = content["files"]["saved_model.pb"]
    manifest.write_text(json.dumps(content))
    report = make_mirror().one_pass()["digits"]
    assert report.versions == ()
    assert 1 in report.refused
    assert sorted(path.name for path in node.rglob("*") if path.name != ".lock") == ["digits"] or not any(
        node.iterdir()
    )


def test_another_models_manifest_and_too_much_are_refused(
    folder: Path, push_one: PushOne, make_mirror: MakeMirror
) -> None:
    push_one()
    (folder / "digits" / "1").rename(folder / "digits" / "9")
    assert "manifest is that of 'digits' version 1" in make_mirror().one_pass()["digits"].refused[9]
    (folder / "digits" / "9").rename(folder / "digits" / "1")
    assert "are allowed" in make_mirror(limits=Limits(total_bytes=5)).one_pass()["digits"].refused[1]
    assert "are allowed" in make_mirror(limits=Limits(files=1)).one_pass()["digits"].refused[1]
    assert "larger than" in make_mirror(limits=Limits(manifest_bytes=9)).one_pass()["digits"].refused[1]


def test_what_a_killed_mirror_left_is_removed(node: Path, push_one: PushOne, make_mirror: MakeMirror) -> None:
    push_one()
    make_mirror().one_pass()
    left = node / "digits" / ".staging-0123"
    left.mkdir()
    (left / "saved_model.pb").write_bytes(b"half")
    make_mirror().one_pass()
    assert not left.exists()


def test_told_to_stop_it_leaves_nothing(node: Path, push_one: PushOne, make_mirror: MakeMirror) -> None:
    push_one()
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        make_mirror(stop=stop).one_pass()
    assert [path.name for path in (node / "digits").iterdir()] == [".lock"]


def test_a_store_that_was_emptied_takes_nothing_away(
    folder: Path, node: Path, push_one: PushOne, make_mirror: MakeMirror
) -> None:
    push_one()
    push_label(ObjectStore(parse_address(str(folder), folder="/")), "digits", "stable", 1)
    mirror = make_mirror()
    mirror.one_pass()
    folder.rename(folder.with_name("away"))
    assert mirror.one_pass() == {}
    assert make_mirror("digits").one_pass()["digits"].versions == (1,)
    folder.mkdir()
    (folder / "digits").mkdir()
    mirror.one_pass()
    assert list_versions(node, "digits") == (1,)
    assert read_labels(node, "digits") == {"stable": 1}
    (folder / "digits" / "labels.json").write_text("{}")
    mirror.one_pass()
    assert read_labels(node, "digits") == {}


def test_an_error_of_a_library_is_told_without_credentials() -> None:
    with pytest.raises(StoreUnavailable) as told, store_errors("digits cannot be listed"):
        raise RuntimeError("no connection to http://me:sesame@minio:9000/models\nand more")
    assert str(told.value) == "digits cannot be listed: no connection to http://minio:9000/models"


def test_a_full_disk_is_said_before_anything_is_fetched(
    folder: Path, node: Path, push_one: PushOne, make_mirror: MakeMirror
) -> None:
    push_one()
    with (folder / "digits" / "1" / "saved_model.pb").open("r+b") as file:
        file.truncate(shutil.disk_usage(node).free)
    with pytest.raises(PublishError, match="free") as full:
        make_mirror(limits=Limits(total_bytes=2**60)).one_pass()
    assert not isinstance(full.value, StoreUnavailable)


def test_a_model_is_awaited_once_the_store_has_a_whole_version_of_it(
    folder: Path, push_one: PushOne, make_mirror: MakeMirror
) -> None:
    (folder / "digits" / ".claims").mkdir(parents=True)
    mirror = make_mirror()
    assert mirror.one_pass()["digits"].awaited is False
    push_one()
    manifest = folder / "digits" / "1" / "assets.extra" / "manifest.json"
    text = manifest.read_bytes()
    manifest.unlink()
    assert mirror.one_pass()["digits"].awaited is False
    manifest.write_bytes(text[:100])
    assert mirror.one_pass()["digits"].awaited is True
    manifest.write_bytes(text)
    report = mirror.one_pass()["digits"]
    assert (report.awaited, report.versions) == (True, (1,))
