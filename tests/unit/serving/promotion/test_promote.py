"""The steps of a promotion over a gateway that is a few lines long, and follows labels.json as the real one does."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import JsonValue

from serving.errors import (
    Overloaded,
    PayloadTooLarge,
    PenstockError,
    PublishError,
    UnknownVersion,
)
from serving.model_store.audit import read_audit
from serving.model_store.labels import LabelMove, read_labels, set_label
from serving.model_store.lock import claimed
from serving.model_store.rollback import rollback
from serving.promotion.promote import Beyond, Order, promote, promote_offline
from tests.unit.serving.promotion.little_gateway import MODEL, NOON, LittleGateway, journal, order, patience, steps_of


def test_a_version_that_passes_gets_the_label_and_each_step_is_told_and_kept(
    models: Path, gateway: LittleGateway
) -> None:
    written: list[str] = []
    gateway.slowness = 3
    assert promote(order(models), gateway, patience(), journal(models, written)) == LabelMove("stable", 2, 1)
    assert read_labels(models, MODEL) == {"stable": 2}
    assert [(step.name, step.outcome) for step in steps_of(models)] == [
        (name, "ok") for name in ("checksums", "loaded", "batch sizes", "golden examples", "label stable", "answering")
    ]
    assert written[::2] == [f"{n}/6 {step.name} ... " for n, step in enumerate(steps_of(models), 1)]
    assert sorted(set(gateway.sizes)) == [1, 2, 3, 4, 8]


@pytest.mark.parametrize("label", ["stable", "canary"])
@pytest.mark.parametrize(
    ("trouble", "step", "said"),
    [
        ({"error": "no graph"}, "loaded", "cannot load it: no graph"),
        ({"slowness": 99}, "loaded", "not available after 10 s: it is LOADING"),
        ({"factor": 2.1}, "golden examples", "golden example 2 of 3 .* value\\[0\\]: 2.1 where 2 was expected"),
        ({"deaf": True}, "answering", "does not answer \\w+ with version 2"),
        ({"refusals": [Overloaded("full", retry_after_seconds=1)] * 99}, "batch sizes", "no answer within 10 s: full"),
    ],
)
def test_a_step_that_fails_leaves_the_labels_where_they_were(
    models: Path, trouble: dict[str, object], step: str, said: str, label: str
) -> None:
    gateway = LittleGateway(models, **trouble)  # type: ignore[arg-type] # each by its own name
    with pytest.raises(PublishError, match=said):
        promote(order(models, label), gateway, patience(), journal(models, []))
    assert read_labels(models, MODEL) == {"stable": 1}
    assert (steps_of(models)[-1].name, steps_of(models)[-1].outcome) == (step, "failed")


def test_the_label_of_the_checks_is_there_while_they_last_and_goes_back_to_whoever_had_it(
    models: Path, gateway: LittleGateway
) -> None:
    set_label(models, MODEL, "candidate", 1, by="test", reason="", now=NOON)
    promote(order(models), gateway, patience(), journal(models, []))
    assert set(gateway.marked) == {2}
    assert read_labels(models, MODEL) == {"stable": 2, "candidate": 1}


def test_changed_files_end_it_before_the_gateway_is_asked(models: Path, gateway: LittleGateway) -> None:
    (models / MODEL / "2" / "saved_model.pb").write_bytes(b"other")
    with pytest.raises(PenstockError, match=r"saved_model.pb is changed: .*publish the version again"):
        promote(order(models), gateway, patience(), journal(models, []))
    assert not gateway.marked


def test_a_version_that_is_not_there_is_named_with_those_that_are(models: Path, gateway: LittleGateway) -> None:
    nowhere = Order(models, MODEL, 9, "stable", "test", "", lambda: NOON)
    with pytest.raises(UnknownVersion, match="there are: 1, 2"):
        promote(nowhere, gateway, patience(), journal(models, []))


def test_sizes_too_large_for_one_body_are_said(models: Path, gateway: LittleGateway) -> None:
    gateway.refusals = [PayloadTooLarge("too large"), Overloaded("full", retry_after_seconds=1)]
    promote(order(models), gateway, patience(), journal(models, []))
    assert "2, 4, 8 rows;" in steps_of(models)[2].detail
    assert "1 rows are more than the gateway takes" in steps_of(models)[2].detail


def test_a_promotion_that_failed_after_the_move_is_not_rolled_back_to(models: Path, gateway: LittleGateway) -> None:
    gateway.deaf = True
    with pytest.raises(PublishError):
        promote(order(models), gateway, patience(), journal(models, []))
    with pytest.raises(PublishError, match="no earlier version is left"):
        rollback(models, MODEL, by="test", reason="", now=NOON)


def test_one_promotion_of_a_model_at_a_time(models: Path, gateway: LittleGateway) -> None:
    with claimed(models / MODEL / ".promoting"), pytest.raises(PublishError, match="another promotion of 'doubles'"):
        promote(order(models), gateway, patience(), journal(models, []))


def test_offline_the_examples_are_answered_by_what_is_handed_in(models: Path) -> None:
    def doubled(instances: Sequence[JsonValue]) -> Sequence[JsonValue]:
        return [{"value": [2.0 * x]} for x in instances if isinstance(x, float)]

    promote_offline(order(models), doubled, patience(), journal(models, []))
    assert read_labels(models, MODEL) == {"stable": 2}
    assert [step.name for step in steps_of(models)] == ["checksums", "golden examples", "label stable"]


def test_what_cannot_be_checked_is_said_and_stops_nothing(models: Path) -> None:
    (models / MODEL / "2" / "assets.extra" / "manifest.json").unlink()
    promote_offline(order(models), lambda _: (), patience(), journal(models, []))
    assert [step.outcome for step in steps_of(models)] == ["not checked", "not checked", "ok"]


def test_a_version_that_does_well_while_watched_keeps_the_label(models: Path, gateway: LittleGateway) -> None:
    promote(order(models), gateway, patience(), journal(models, []), Beyond(watch=patience()))
    assert read_labels(models, MODEL) == {"stable": 2}
    assert steps_of(models)[-1].name == "watch"
    assert "nothing worse so far" in steps_of(models)[-1].detail


def test_a_version_that_does_worse_than_the_one_before_loses_the_label(models: Path, gateway: LittleGateway) -> None:
    gateway.failing = 0.5
    with pytest.raises(PublishError, match=r"version 2 is worse than 1: .* of its requests failed against 1\.00%"):
        promote(order(models), gateway, patience(), journal(models, []), Beyond(watch=patience()))
    assert read_labels(models, MODEL) == {"stable": 1}
    back = read_audit(models, MODEL)[-1]
    assert (back.action, back.previous_version, back.version) == ("rolled_back", 2, 1)
    assert "is worse than 1" in back.reason


def test_the_first_version_with_a_label_has_nothing_to_be_watched_against(models: Path, gateway: LittleGateway) -> None:
    promote(order(models, "canary"), gateway, patience(), journal(models, []), Beyond(watch=patience()))
    assert steps_of(models)[-1].outcome == "not checked"
