from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from serving.errors import IntegrityError, PublishError, UnknownVersion
from serving.model_store.audit import read_audit
from serving.model_store.labels import set_label
from serving.model_store.prune import prunable, prune, prune_version
from serving.model_store.versions import list_versions


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("versions", "labelled", "keep", "gone"),
    [
        ((1, 2, 3, 4), (), 2, (1, 2)),
        ((1, 2, 3, 4), (1,), 2, (2,)),
        ((1, 2, 3, 4), (4,), 1, (1, 2, 3)),
        ((1, 2), (), 3, ()),
        ((), (), 1, ()),
    ],
)
def test_the_newest_and_the_labelled_stay(
    versions: tuple[int, ...], labelled: tuple[int, ...], keep: int, gone: tuple[int, ...]
) -> None:
    assert prunable(versions, labelled, keep=keep) == gone


def test_keeping_none_is_refused() -> None:
    with pytest.raises(PublishError, match="cannot keep 0 versions"):
        prunable([1], [], keep=0)


def test_pruned_versions_are_gone_and_on_record(
    models: Path, publish_one: Callable[[str], int], noon: datetime
) -> None:
    for _ in range(4):
        publish_one("digits")
    set_label(models, "digits", "stable", 1, by="test", reason="", now=noon)
    assert prune(models, "digits", keep=1, by="test", reason="", now=noon) == (2, 3)
    assert list_versions(models, "digits") == (1, 4)
    assert [entry.version for entry in read_audit(models, "digits") if entry.action == "pruned"] == [2, 3]
    assert [name for name in names_in(models / "digits") if name.startswith(".pruned")] == []


def test_a_pruned_number_is_not_given_again_even_when_it_was_copied_there_by_hand(
    models: Path, publish_one: Callable[[str], int], noon: datetime
) -> None:
    copied = models / "digits" / "9"
    copied.mkdir(parents=True)
    (copied / "saved_model.pb").touch()
    prune_version(models, "digits", 9, by="test", reason="", now=noon)
    assert publish_one("digits") == 10


def test_a_labelled_version_is_not_removed_by_its_number(
    models: Path, publish_one: Callable[[str], int], noon: datetime
) -> None:
    publish_one("digits")
    set_label(models, "digits", "stable", 1, by="test", reason="", now=noon)
    with pytest.raises(PublishError, match="it is stable; move the label first"):
        prune_version(models, "digits", 1, by="test", reason="", now=noon)
    with pytest.raises(UnknownVersion):
        prune_version(models, "digits", 2, by="test", reason="", now=noon)
    assert list_versions(models, "digits") == (1,)


def test_nothing_is_removed_while_the_labels_cannot_be_read(
    models: Path, publish_one: Callable[[str], int], noon: datetime
) -> None:
    publish_one("digits")
    publish_one("digits")
    (models / "digits" / "labels.json").write_text("{")
    with pytest.raises(IntegrityError):
        prune(models, "digits", keep=1, by="test", reason="", now=noon)
    assert list_versions(models, "digits") == (1, 2)


def test_the_next_prune_removes_what_a_killed_one_left(
    models: Path, publish_one: Callable[[str], int], noon: datetime
) -> None:
    publish_one("digits")
    (models / "digits" / ".pruned-1-0123" / "variables").mkdir(parents=True)
    prune(models, "digits", keep=1, by="test", reason="", now=noon)
    assert [name for name in names_in(models / "digits") if name.startswith(".pruned")] == []
