from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from serving.errors import IntegrityError, PublishError, UnknownModel
from serving.model_store.audit import read_audit
from serving.model_store.labels import read_labels, set_label
from serving.model_store.snapshot import DirectorySnapshot, read_snapshot
from serving.model_store.traffic import (
    NO_TRAFFIC,
    Shadow,
    Traffic,
    make_traffic,
    read_traffic,
    retire_canary,
    set_traffic,
    traffic_text,
)

SPLIT = Traffic(split={"stable": 90, "canary": 10}, sticky_by="X-User-Id", shadow=Shadow(label="canary", fraction=0.1))
Put = Callable[[Traffic], Traffic]


@pytest.fixture
def canaried(models: Path, publish_one: Callable[[str], int], noon: datetime) -> Path:
    """Version 1 is stable and version 2 the canary."""
    for label in ("stable", "canary"):
        version = publish_one("digits")
        set_label(models, "digits", label, version, by="test", reason="", now=noon)
    return models


@pytest.fixture
def put(canaried: Path, noon: datetime) -> Put:
    return lambda traffic: set_traffic(canaried, "digits", traffic, by="test", reason="try it", now=noon)


def test_a_model_without_the_file_has_no_traffic_rules(models: Path) -> None:
    assert read_traffic(models, "digits") == NO_TRAFFIC


def test_what_was_set_is_read_again_and_what_was_before_is_returned(canaried: Path, put: Put) -> None:
    assert put(SPLIT) == NO_TRAFFIC
    assert read_traffic(canaried, "digits") == SPLIT
    assert SPLIT.sticky_by == "x-user-id"
    assert put(NO_TRAFFIC) == SPLIT
    assert read_traffic(canaried, "digits") == NO_TRAFFIC


def test_every_change_goes_on_record_and_standing_still_does_not(canaried: Path, put: Put) -> None:
    put(SPLIT)
    put(SPLIT)
    told = [entry for entry in read_audit(canaried, "digits") if entry.action == "traffic"]
    assert [(entry.detail, entry.reason) for entry in told] == [
        ("canary=10 stable=90 --sticky-by x-user-id --shadow canary=0.1", "try it")
    ]


def test_labels_that_the_model_does_not_have_get_no_share(put: Put) -> None:
    with pytest.raises(PublishError, match="'digits' has no label 'canery'; it has: "):
        put(Traffic(split={"stable": 90, "canery": 10}))
    with pytest.raises(PublishError, match="no label 'beta'"):
        put(Traffic(shadow=Shadow(label="beta", fraction=1)))


def test_a_model_that_is_not_there_gets_no_traffic(models: Path, noon: datetime) -> None:
    with pytest.raises(UnknownModel):
        set_traffic(models, "digits", NO_TRAFFIC, by="test", reason="", now=noon)


@pytest.mark.parametrize(
    "content",
    [
        "",
        '{"split": {"stable": 9',
        "[]",
        '{"split": {"stable": 0}}',
        '{"split": {"stable": -1}}',
        '{"split": {"stable": "many"}}',
        '{"split": {"a b": 1}}',
        '{"shadow": {"label": "canary", "fraction": 0}}',
        '{"shadow": {"label": "canary", "fraction": 1.5}}',
        '{"sticky_by": "x user"}',
        '{"weights": {"stable": 1}}',
    ],
)
def test_a_damaged_file_is_told_and_leaves_the_last_good_rules(canaried: Path, put: Put, content: str) -> None:
    put(SPLIT)
    before = read_snapshot(canaried, DirectorySnapshot())
    (canaried / "digits" / "traffic.json").write_text(content)
    with pytest.raises(IntegrityError, match=r"^digits/traffic\.json: "):
        read_traffic(canaried, "digits")
    seen = read_snapshot(canaried, before)
    assert seen.models["digits"].traffic == SPLIT
    assert [fault.partition(":")[0] for fault in seen.faults] == ["digits/traffic.json"]
    put(NO_TRAFFIC)
    assert read_snapshot(canaried, seen).models["digits"].traffic == NO_TRAFFIC


def test_damaged_labels_take_no_traffic_rules_away(canaried: Path, put: Put) -> None:
    put(SPLIT)
    (canaried / "digits" / "labels.json").write_text("{")
    assert read_snapshot(canaried, DirectorySnapshot()).models["digits"].traffic == SPLIT


def test_a_retired_canary_loses_label_and_traffic_at_once_and_on_record(
    canaried: Path, put: Put, noon: datetime
) -> None:
    put(SPLIT)
    assert retire_canary(canaried, "digits", 2, by="gateway", reason="worse", now=noon)
    assert read_traffic(canaried, "digits") == NO_TRAFFIC
    assert read_labels(canaried, "digits") == {"stable": 1}
    last = read_audit(canaried, "digits")[-1]
    assert (last.action, last.label, last.previous_version, last.version) == ("rolled_back", "canary", 2, None)
    assert (last.by, last.reason) == ("gateway", "worse")


def test_a_canary_that_another_has_retired_or_moved_is_left_alone(canaried: Path, put: Put, noon: datetime) -> None:
    put(SPLIT)
    set_label(canaried, "digits", "canary", 1, by="test", reason="", now=noon)
    assert not retire_canary(canaried, "digits", 2, by="gateway", reason="worse", now=noon)
    assert read_traffic(canaried, "digits") == SPLIT


def test_traffic_as_a_person_says_it() -> None:
    assert make_traffic({"stable": 9, "canary": 1}, "x-user-id", ("canary", 0.5)).shadow == Shadow(
        label="canary", fraction=0.5
    )
    with pytest.raises(PublishError, match=r"traffic: shadow\.fraction: "):
        make_traffic({}, None, ("canary", 2.0))
    assert traffic_text(NO_TRAFFIC) == "none"
