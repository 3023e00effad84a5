"""Labels and splits of traffic that a mirror brings, and what it does with damaged ones."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.errors import PublishError
from serving.model_store.labels import read_labels, remove_label, set_label
from serving.model_store.object_store.mirror import Mirror
from serving.model_store.object_store.push import push_label, push_labels
from serving.model_store.object_store.store import ObjectStore
from serving.model_store.traffic import NO_TRAFFIC, make_traffic, read_traffic, render_traffic

NOON = datetime(2030, 1, 2, tzinfo=UTC)

MakeMirror = Callable[..., Mirror]
PushOne = Callable[[], int]


def test_a_label_taken_away_here_stays_away_until_the_store_moves_it(
    store: ObjectStore, node: Path, push_one: PushOne, make_mirror: MakeMirror
) -> None:
    """As a gateway does with a canary that is worse."""
    push_one()
    push_one()
    push_label(store, "digits", "canary", 2)
    mirror = make_mirror()
    mirror.one_pass()
    remove_label(node, "digits", "canary", by="gateway", reason="worse", now=NOON)
    mirror.one_pass()
    assert read_labels(node, "digits") == {}
    push_label(store, "digits", "stable", 1)
    mirror.one_pass()
    assert read_labels(node, "digits") == {"stable": 1}
    push_one()
    push_label(store, "digits", "canary", 3)
    mirror.one_pass()
    assert read_labels(node, "digits") == {"stable": 1, "canary": 3}


def test_traffic_follows_its_labels_and_goes_with_them(
    store: ObjectStore, models: Path, node: Path, push_one: PushOne, make_mirror: MakeMirror
) -> None:
    push_one()
    push_one()
    mirror = make_mirror()
    split = make_traffic({"stable": 9, "canary": 1})
    for label, version in (("stable", 1), ("canary", 2)):
        set_label(models, "digits", label, version, by="me", reason="", now=NOON)
    (models / "digits" / "traffic.json").write_bytes(render_traffic(split))
    push_labels(store, models, "digits")
    mirror.one_pass()
    assert read_traffic(node, "digits") == split
    (models / "digits" / "traffic.json").unlink()
    remove_label(models, "digits", "canary", by="me", reason="", now=NOON)
    push_labels(store, models, "digits")
    mirror.one_pass()
    assert (read_traffic(node, "digits"), read_labels(node, "digits")) == (NO_TRAFFIC, {"stable": 1})


def test_damaged_labels_of_the_store_change_nothing_here(
    store: ObjectStore, folder: Path, node: Path, push_one: PushOne, make_mirror: MakeMirror
) -> None:
    push_one()
    push_label(store, "digits", "stable", 1)
    mirror = make_mirror()
    mirror.one_pass()
    (folder / "digits" / "labels.json").write_text('{"stable":')
    report = mirror.one_pass()["digits"]
    assert report.problem == "the store's digits/labels.json: not JSON"
    assert (report.versions, read_labels(node, "digits")) == ((1,), {"stable": 1})


def test_a_label_does_not_follow_to_what_was_published_here_under_the_same_number(
    store: ObjectStore, node: Path, push_one: PushOne, make_mirror: MakeMirror, said: list[str]
) -> None:
    push_one()
    push_label(store, "digits", "stable", 1)
    mirror = make_mirror()
    mirror.one_pass()
    shutil.copytree(node / "digits" / "1", node / "digits" / "2")
    push_one()
    push_label(store, "digits", "stable", 2)
    del said[:]
    for _ in range(2):
        report = mirror.one_pass()["digits"]
        assert dict(report.refused) == {2: "another version was published here under its number"}
    assert read_labels(node, "digits") == {"stable": 1}
    assert said == ["digits 2: not taken: another version was published here under its number"]


def test_damaged_labels_here_are_told_and_written_over_once_a_label_moves_in_the_store(
    store: ObjectStore, node: Path, push_one: PushOne, make_mirror: MakeMirror
) -> None:
    push_one()
    push_label(store, "digits", "stable", 1)
    mirror = make_mirror()
    mirror.one_pass()
    (node / "digits" / "labels.json").write_text('{"stable":')
    report = mirror.one_pass()["digits"]
    assert "labels.json" in (report.problem or "")
    push_one()
    push_label(store, "digits", "stable", 2)
    assert mirror.one_pass()["digits"].versions == (1, 2)
    assert read_labels(node, "digits") == {"stable": 2}


def test_a_label_that_the_store_moves_back_after_a_half_done_pass_comes_back(
    store: ObjectStore, node: Path, push_one: PushOne, make_mirror: MakeMirror
) -> None:
    """The label was written and its line in the history was not: what was followed last looks like the store again."""
    push_one()
    push_one()
    push_label(store, "digits", "stable", 1)
    make_mirror().one_pass()
    audit, aside = node / "digits" / "audit.jsonl", node / "aside"
    audit.rename(aside)
    audit.mkdir()
    push_label(store, "digits", "stable", 2)
    with pytest.raises(PublishError):
        make_mirror().one_pass()
    assert read_labels(node, "digits") == {"stable": 2}
    audit.rmdir()
    aside.rename(audit)
    push_label(store, "digits", "stable", 1)
    make_mirror().one_pass()
    assert read_labels(node, "digits") == {"stable": 1}
