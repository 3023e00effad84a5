from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from serving.contract.model_directory import model_paths
from serving.errors import IntegrityError, PublishError, UnknownModel, UnknownVersion
from serving.model_store.audit import read_audit
from serving.model_store.labels import LabelMove, answering_version, read_labels, remove_label, set_label


@pytest.fixture
def promote(models: Path, noon: datetime) -> Callable[[str, int], LabelMove]:
    return lambda label, version: set_label(models, "digits", label, version, by="test", reason="", now=noon)


def test_a_model_without_a_labels_file_has_no_labels(models: Path) -> None:
    assert read_labels(models, "digits") == {}


def test_labels_are_set_moved_and_kept_apart(
    models: Path, publish_one: Callable[[str], int], promote: Callable[[str, int], LabelMove]
) -> None:
    publish_one("digits")
    publish_one("digits")
    assert promote("stable", 1) == LabelMove("stable", 1, previous=None)
    promote("canary", 2)
    assert promote("stable", 2) == LabelMove("stable", 2, previous=1)
    assert read_labels(models, "digits") == {"stable": 2, "canary": 2}


def test_every_move_goes_on_record_and_standing_still_does_not(
    models: Path, publish_one: Callable[[str], int], promote: Callable[[str, int], LabelMove]
) -> None:
    publish_one("digits")
    promote("stable", 1)
    promote("stable", 1)
    moves = [entry for entry in read_audit(models, "digits") if entry.label]
    assert [(move.action, move.version, move.previous_version) for move in moves] == [("promoted", 1, None)]


def test_a_version_that_is_not_there_gets_no_label(
    models: Path, publish_one: Callable[[str], int], promote: Callable[[str, int], LabelMove]
) -> None:
    publish_one("digits")
    with pytest.raises(UnknownVersion, match="no version 2 of 'digits'; there are: 1"):
        promote("stable", 2)
    assert read_labels(models, "digits") == {}


def test_a_model_that_is_not_there_gets_no_label(promote: Callable[[str, int], LabelMove]) -> None:
    with pytest.raises(UnknownModel):
        promote("stable", 1)


@pytest.mark.parametrize("label", ["", "1", "a b", "../x", ".stable"])
def test_a_name_that_could_be_something_else_is_no_label(
    publish_one: Callable[[str], int], promote: Callable[[str, int], LabelMove], label: str
) -> None:
    publish_one("digits")
    with pytest.raises(PublishError, match="is not a label"):
        promote(label, 1)


@pytest.mark.parametrize(
    "content", ["{", "[1]", '{"stable": "1"}', '{"stable": 0}', '{"stable": true}', '{"1": 1}', "[" * 10_000]
)
def test_a_damaged_labels_file_is_told_and_never_written_over(
    models: Path, publish_one: Callable[[str], int], promote: Callable[[str, int], LabelMove], content: str
) -> None:
    publish_one("digits")
    (models / "digits" / "labels.json").write_text(content)
    with pytest.raises(IntegrityError, match=r"^digits/labels\.json: "):
        read_labels(models, "digits")
    with pytest.raises(IntegrityError):
        promote("stable", 1)
    assert (models / "digits" / "labels.json").read_text() == content


def test_a_removed_label_is_gone_and_the_others_stay(
    models: Path, publish_one: Callable[[str], int], promote: Callable[[str, int], LabelMove], noon: datetime
) -> None:
    publish_one("digits")
    promote("stable", 1)
    promote("canary", 1)
    assert remove_label(models, "digits", "canary", by="test", reason="", now=noon) == LabelMove("canary", None, 1)
    assert read_labels(models, "digits") == {"stable": 1}
    with pytest.raises(PublishError, match="has no label 'canary'; it has: stable"):
        remove_label(models, "digits", "canary", by="test", reason="", now=noon)


@pytest.mark.parametrize(
    ("labels", "versions", "answers"),
    [({}, (), None), ({}, (1, 2), 2), ({"canary": 1}, (1, 2), 2), ({"stable": 1}, (1, 2), 1)],
)
def test_stable_answers_and_without_it_the_newest(
    labels: dict[str, int], versions: tuple[int, ...], answers: int | None
) -> None:
    assert answering_version(labels, versions) == answers


def test_a_label_that_moved_without_its_line_in_the_history_is_said_to_have_moved(
    models: Path, publish_one: Callable[[str], int], promote: Callable[[str, int], LabelMove], noon: datetime
) -> None:
    publish_one("digits")
    audit = model_paths(models, "digits").audit
    audit.unlink(missing_ok=True)
    audit.mkdir()
    with pytest.raises(PublishError, match=r"the label 'stable' is moved to version 1, but its line in audit.jsonl"):
        promote("stable", 1)
    assert read_labels(models, "digits") == {"stable": 1}
    with pytest.raises(PublishError, match="the label 'stable' is removed, but its line"):
        remove_label(models, "digits", "stable", by="test", reason="", now=noon)
    assert read_labels(models, "digits") == {}
