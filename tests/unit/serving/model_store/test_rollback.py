from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from serving.errors import PublishError
from serving.model_store.audit import Action, AuditEntry, read_audit
from serving.model_store.labels import LabelMove, read_labels, set_label
from serving.model_store.prune import prune
from serving.model_store.rollback import rollback, rollback_target, take_back


def history(at: datetime, *moves: tuple[Action, int | None, int]) -> list[AuditEntry]:
    return [
        AuditEntry(
            at=at, action=action, model="m", version=version, label="stable", previous_version=previous, by="test"
        )
        for action, previous, version in moves
    ]


def test_stable_returns_to_where_it_was_before_and_not_merely_one_below(noon: datetime) -> None:
    moves = history(noon, ("promoted", None, 1), ("promoted", 1, 3))
    assert rollback_target(3, [1, 2, 3], moves) == 1


def test_a_version_that_is_gone_is_passed_over(noon: datetime) -> None:
    moves = history(noon, ("promoted", None, 1), ("promoted", 1, 2), ("promoted", 2, 3))
    assert rollback_target(3, [1, 3], moves) == 1


def test_rolling_back_twice_goes_further_back(noon: datetime) -> None:
    moves = history(noon, ("promoted", None, 1), ("promoted", 1, 2), ("promoted", 2, 3), ("rolled_back", 3, 2))
    assert rollback_target(2, [1, 2, 3], moves) == 1


def test_a_version_promoted_again_after_it_was_found_bad_counts_again(noon: datetime) -> None:
    moves = history(noon, ("promoted", None, 1), ("rolled_back", 2, 1), ("promoted", 1, 2), ("promoted", 2, 3))
    assert rollback_target(3, [1, 2, 3], moves) == 2


def test_without_a_history_it_is_the_next_one_below() -> None:
    assert rollback_target(5, [1, 3, 5, 6], []) == 3


def test_other_labels_do_not_matter(noon: datetime) -> None:
    canary = AuditEntry(at=noon, action="promoted", model="m", version=1, label="canary", by="test")
    assert rollback_target(3, [1, 2, 3], [canary]) == 2


def test_the_only_version_has_nothing_to_return_to() -> None:
    assert rollback_target(1, [1], []) is None


def test_a_model_without_labels_goes_to_the_one_below_its_newest(
    models: Path, publish_one: Callable[[str], int], noon: datetime
) -> None:
    publish_one("digits")
    publish_one("digits")
    assert rollback(models, "digits", by="test", reason="errors", now=noon) == LabelMove("stable", 1, previous=2)
    assert read_labels(models, "digits") == {"stable": 1}
    last = read_audit(models, "digits")[-1]
    assert (last.action, last.previous_version, last.version, last.reason) == ("rolled_back", 2, 1, "errors")


def test_with_nothing_left_it_says_so_and_changes_nothing(
    models: Path, publish_one: Callable[[str], int], noon: datetime
) -> None:
    publish_one("digits")
    set_label(models, "digits", "stable", 1, by="test", reason="", now=noon)
    with pytest.raises(PublishError, match="no earlier version is left"):
        rollback(models, "digits", by="test", reason="", now=noon)
    assert read_labels(models, "digits") == {"stable": 1}


def test_a_clock_that_goes_backwards_changes_nothing_but_the_times_on_record(
    models: Path, publish_one: Callable[[str], int], noon: datetime
) -> None:
    for hours, version in enumerate((publish_one("digits"), publish_one("digits"), publish_one("digits"))):
        set_label(models, "digits", "stable", version, by="test", reason="", now=noon - timedelta(hours=hours))
    years_ago = noon - timedelta(days=9999)
    assert rollback(models, "digits", by="test", reason="", now=years_ago) == LabelMove("stable", 2, previous=3)
    assert rollback(models, "digits", by="test", reason="", now=noon) == LabelMove("stable", 1, previous=2)
    assert prune(models, "digits", keep=1, by="test", reason="", now=years_ago) == (2,)
    assert [entry.at for entry in read_audit(models, "digits")][-3:] == [years_ago, noon, years_ago]


def test_a_move_is_taken_back_unless_somebody_has_moved_the_label_since(
    models: Path, publish_one: Callable[[str], int], noon: datetime
) -> None:
    for _ in range(3):
        publish_one("digits")
    first = set_label(models, "digits", "canary", 1, by="test", reason="", now=noon)
    second = set_label(models, "digits", "canary", 2, by="test", reason="", now=noon)
    assert take_back(models, "digits", second, by="test", reason="", now=noon) == LabelMove("canary", 1, previous=2)
    assert take_back(models, "digits", first, by="test", reason="", now=noon) == LabelMove("canary", None, previous=1)
    assert read_labels(models, "digits") == {}
    set_label(models, "digits", "canary", 3, by="somebody", reason="", now=noon)
    assert take_back(models, "digits", second, by="test", reason="", now=noon) == LabelMove("canary", 3, previous=3)
