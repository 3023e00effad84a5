"""Pushing into a store that is a folder."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.contract.manifest import Manifest
from serving.errors import IntegrityError, PublishError, UnknownVersion
from serving.model_store.labels import set_label
from serving.model_store.object_store.patience import Patience
from serving.model_store.object_store.push import (
    VersionTaken,
    push_label,
    push_labels,
    push_version,
    raise_numbers,
)
from serving.model_store.object_store.renumber import Publisher, push_renumbered
from serving.model_store.object_store.store import ObjectStore
from serving.model_store.publishing import publish
from serving.model_store.staging import staging
from serving.model_store.verify import verify_model
from serving.model_store.versions import list_versions

NOON = datetime(2030, 1, 3, tzinfo=UTC)
IMPATIENT = Patience(0.0, print)
PUBLISHER = Publisher("test", lambda: NOON)

Publish = Callable[[Path, bytes], int]


@pytest.fixture
def publish_graph(make_manifest: Callable[[str], Manifest]) -> Publish:
    """Publishes the next version of `digits` in a model directory, of one file."""

    def publish_next(models: Path, graph: bytes) -> int:
        with staging(models, "digits") as staged:
            staged.saved_model.write_bytes(graph)
            return publish(models, staged, make_manifest("digits"), by="test", reason="", now=NOON)

    return publish_next


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_store_has_the_versions_bytes_and_who_claimed_it(
    store: ObjectStore, folder: Path, models: Path, publish_graph: Publish
) -> None:
    publish_graph(models, b"graph")
    pushed = push_version(store, models, "digits", 1, concurrency=2)
    assert (pushed.files, pushed.was_there) == (2, False)
    assert contents(folder / "digits" / "1") == contents(models / "digits" / "1")
    assert store.claimed_numbers("digits") == (1,)


def test_pushing_again_changes_nothing_and_mends_what_is_missing(
    store: ObjectStore, folder: Path, models: Path, publish_graph: Publish
) -> None:
    publish_graph(models, b"graph")
    push_version(store, models, "digits", 1, concurrency=2)
    before = contents(folder)
    assert push_version(store, models, "digits", 1, concurrency=2).was_there
    (folder / "digits" / "1" / "saved_model.pb").unlink()
    assert push_version(store, models, "digits", 1, concurrency=2).was_there
    assert contents(folder) == before


def test_a_push_that_was_killed_before_the_manifest_goes_on(
    store: ObjectStore, folder: Path, models: Path, publish_graph: Publish
) -> None:
    publish_graph(models, b"graph")
    push_version(store, models, "digits", 1, concurrency=2)
    whole = contents(folder)
    (folder / "digits" / "1" / "assets.extra" / "manifest.json").unlink()
    (folder / "digits" / "1" / "saved_model.pb").write_bytes(b"GRAPH")
    assert not push_version(store, models, "digits", 1, concurrency=2).was_there
    assert contents(folder) == whole


@pytest.mark.parametrize("only_claimed", [False, True])
def test_another_version_under_the_same_number_is_refused_and_nothing_is_overwritten(
    store: ObjectStore, folder: Path, models: Path, tmp_path: Path, publish_graph: Publish, *, only_claimed: bool
) -> None:
    publish_graph(models, b"graph")
    publish_graph(tmp_path / "other", b"other graph")
    push_version(store, models, "digits", 1, concurrency=2)
    if only_claimed:
        (folder / "digits" / "1" / "assets.extra" / "manifest.json").unlink()
    before = contents(folder)
    with pytest.raises(VersionTaken, match="--renumber"):
        push_version(store, tmp_path / "other", "digits", 1, concurrency=2)
    assert contents(folder) == before


def test_renumbered_it_gets_the_next_number_free_in_both_places(
    store: ObjectStore, folder: Path, models: Path, tmp_path: Path, publish_graph: Publish
) -> None:
    other = tmp_path / "other"
    for graph in (b"one", b"two", b"three"):
        version = publish_graph(models, graph)
        push_version(store, models, "digits", version, concurrency=2)
    publish_graph(other, b"other graph")
    kept = contents(other / "digits" / "1")
    pushed = push_renumbered(store, other, "digits", 1, concurrency=2, publisher=PUBLISHER, patience=IMPATIENT)
    assert pushed.version == 4
    assert list_versions(other, "digits") == (1, 4)
    assert verify_model(other, "digits") == ()
    assert contents(other / "digits" / "1") == kept
    assert (folder / "digits" / "4" / "saved_model.pb").read_bytes() == b"other graph"
    assert push_renumbered(store, other, "digits", 4, concurrency=2, publisher=PUBLISHER, patience=IMPATIENT).was_there


def test_numbers_of_the_store_are_not_given_here_also_those_only_claimed(
    store: ObjectStore, models: Path, tmp_path: Path, publish_graph: Publish
) -> None:
    assert raise_numbers(store, models, "digits") == 0
    publish_graph(models, b"graph")
    push_version(store, models, "digits", 1, concurrency=2)
    store.create("digits/.claims/7", b"somebody\n")
    assert raise_numbers(store, tmp_path / "other", "digits") == 7
    assert publish_graph(tmp_path / "other", b"other graph") == 8


def test_a_damaged_version_is_not_pushed(
    store: ObjectStore, folder: Path, models: Path, publish_graph: Publish
) -> None:
    publish_graph(models, b"graph")
    (models / "digits" / "1" / "saved_model.pb").write_bytes(b"GRAPH")
    with pytest.raises(IntegrityError, match=r"saved_model\.pb"):
        push_version(store, models, "digits", 1, concurrency=2)
    assert not folder.exists()
    with pytest.raises(UnknownVersion):
        push_version(store, models, "digits", 2, concurrency=2)


def test_a_label_moves_alone_and_only_to_a_version_that_is_there(
    store: ObjectStore, models: Path, publish_graph: Publish
) -> None:
    for _ in range(2):
        push_version(store, models, "digits", publish_graph(models, b"graph"), concurrency=2)
    push_label(store, "digits", "old", 1)
    push_label(store, "digits", "stable", 2)
    assert store.model("digits").labels == {"old": 1, "stable": 2}
    with pytest.raises(PublishError, match="lacks version 3"):
        push_label(store, "digits", "stable", 3)
    with pytest.raises(PublishError, match="not a label"):
        push_label(store, "digits", "../stable", 1)
    assert store.model("digits").labels == {"old": 1, "stable": 2}


def test_labels_are_pushed_once_their_versions_are_there(
    store: ObjectStore, models: Path, publish_graph: Publish
) -> None:
    publish_graph(models, b"graph")
    set_label(models, "digits", "stable", 1, by="me", reason="", now=NOON)
    with pytest.raises(PublishError, match="push it first"):
        push_labels(store, models, "digits")
    push_version(store, models, "digits", 1, concurrency=2)
    assert push_labels(store, models, "digits") == {"stable": 1}
    assert store.model("digits").labels == {"stable": 1}
