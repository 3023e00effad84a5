import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from serving.model_store.snapshot import DirectorySnapshot, read_snapshot

NOTHING = DirectorySnapshot()

PublishOne = Callable[[str], int]


def put_labels(models: Path, model: str, text: str) -> None:
    (models / model / "labels.json").write_text(text)


def test_a_look_sees_every_model_with_its_versions_and_labels(models: Path, publish_one: PublishOne) -> None:
    for model in ("digits", "digits", "prices"):
        publish_one(model)
    put_labels(models, "digits", '{"stable": 1}')
    seen = read_snapshot(models, NOTHING)
    assert {name: (found.versions, dict(found.labels)) for name, found in seen.models.items()} == {
        "digits": ((1, 2), {"stable": 1}),
        "prices": ((1,), {}),
    }
    assert seen.faults == ()


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"stable": "1"}', '{"stable": 0}', '{"a b": 1}'])
def test_damaged_labels_leave_the_last_good_ones(models: Path, publish_one: PublishOne, damage: str) -> None:
    publish_one("digits")
    put_labels(models, "digits", '{"stable": 1}')
    before = read_snapshot(models, NOTHING)
    publish_one("digits")
    put_labels(models, "digits", damage)
    seen = read_snapshot(models, before)
    assert (seen.models["digits"].versions, seen.models["digits"].labels) == ((1, 2), {"stable": 1})
    assert len(seen.faults) == 1
    assert seen.faults[0].startswith("digits/labels.json: ")


def test_labels_damaged_from_the_first_look_are_none(models: Path, publish_one: PublishOne) -> None:
    publish_one("digits")
    put_labels(models, "digits", "{")
    assert read_snapshot(models, NOTHING).models["digits"].labels == {}


def test_mended_labels_are_taken_and_the_fault_is_over(models: Path, publish_one: PublishOne) -> None:
    publish_one("digits")
    put_labels(models, "digits", "{")
    before = read_snapshot(models, NOTHING)
    put_labels(models, "digits", '{"canary": 1}')
    seen = read_snapshot(models, before)
    assert (seen.models["digits"].labels, seen.faults) == ({"canary": 1}, ())


@pytest.mark.parametrize("emptied", [False, True], ids=["gone", "emptied"])
def test_a_directory_that_vanishes_keeps_its_models(models: Path, publish_one: PublishOne, *, emptied: bool) -> None:
    publish_one("digits")
    before = read_snapshot(models, NOTHING)
    shutil.rmtree(models)
    if emptied:
        models.mkdir()
    seen = read_snapshot(models, before)
    assert seen.models == before.models
    assert len(seen.faults) == 1


def test_a_model_that_is_removed_disappears(models: Path, publish_one: PublishOne) -> None:
    publish_one("digits")
    publish_one("prices")
    before = read_snapshot(models, NOTHING)
    shutil.rmtree(models / "prices")
    assert list(read_snapshot(models, before).models) == ["digits"]


def test_what_is_no_version_is_not_seen(models: Path, publish_one: PublishOne) -> None:
    publish_one("digits")
    for name in ("digits/07", "digits/.staging-8", "digits/9", ".hidden/1", "notes"):
        (models / name).mkdir(parents=True)
    assert read_snapshot(models, NOTHING).models["digits"].versions == (1,)
    assert list(read_snapshot(models, NOTHING).models) == ["digits"]


def test_a_directory_that_never_was_is_a_fault_and_no_models(models: Path) -> None:
    seen = read_snapshot(models, NOTHING)
    assert not seen.models
    assert "cannot be read" in seen.faults[0]
