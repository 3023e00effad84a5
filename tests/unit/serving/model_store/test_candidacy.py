from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from serving.contract.manifest import Manifest
from serving.contract.model_directory import model_paths
from serving.model_store.audit import read_audit
from serving.model_store.candidacy import LEASE_SECONDS, WHY, Lease, clear_abandoned, read_candidacy
from serving.model_store.labels import read_labels, remove_label, set_label
from serving.model_store.lock import claimed
from serving.model_store.traffic import NO_TRAFFIC, Shadow, Traffic, read_traffic, set_traffic

NOON = datetime(2030, 1, 2, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(seconds=LEASE_SECONDS)
MODEL = "doubles"


@pytest.fixture
def models(tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]) -> Path:
    """Versions 1 and 2."""
    for version in (1, 2):
        write_version(manifest_with(version=version))
    return tmp_path / "models"


def label(models: Path, name: str, version: int) -> None:
    set_label(models, MODEL, name, version, by="test", reason="", now=NOON)


@pytest.fixture
def left(models: Path) -> Callable[..., None]:
    """What a promotion of version 2 leaves that is killed at noon, while it mirrors requests or before that."""

    def leave(*, previous: int | None = None, mirrored: Traffic | None = None) -> None:
        lease = Lease(model_paths(models, MODEL), lambda: NOON)
        lease.begin(2, previous)
        label(models, "candidate", 2)
        if mirrored is not None:
            lease.changes(mirrored)
            mirroring = mirrored.model_copy(update={"shadow": Shadow(label="candidate", fraction=1.0)})
            set_traffic(models, MODEL, mirroring, by="test", reason="", now=NOON)
        written = model_paths(models, MODEL).candidacy.read_bytes()
        lease.end()
        model_paths(models, MODEL).candidacy.write_bytes(written)

    return leave


def cleared(models: Path, now: datetime = LATER) -> bool:
    return clear_abandoned(models, MODEL, by="gateway", now=now)


def test_what_a_killed_promotion_has_left_goes_once_its_lease_is_over(models: Path, left: Callable[..., None]) -> None:
    left()
    assert not cleared(models, LATER - timedelta(seconds=1))
    assert read_labels(models, MODEL) == {"candidate": 2}
    assert cleared(models)
    assert read_labels(models, MODEL) == {}
    last = read_audit(models, MODEL)[-1]
    assert (last.action, last.previous_version, last.by, last.reason) == ("unlabelled", 2, "gateway", WHY)
    assert not cleared(models)


def test_a_lease_that_ends_later_than_any_can_is_that_of_a_clock_that_jumped(
    models: Path, left: Callable[..., None]
) -> None:
    left()
    assert cleared(models, NOON - timedelta(days=1))


def test_while_the_claim_is_held_nothing_is_cleared(models: Path, left: Callable[..., None]) -> None:
    left()
    with claimed(model_paths(models, MODEL).promoting):
        assert not cleared(models)
    assert read_labels(models, MODEL) == {"candidate": 2}


def test_the_label_goes_back_to_whoever_had_it_and_the_traffic_to_what_it_was(
    models: Path, left: Callable[..., None]
) -> None:
    label(models, "stable", 1)
    label(models, "candidate", 1)
    left(previous=1, mirrored=Traffic(split={"stable": 1}))
    assert cleared(models)
    assert read_labels(models, MODEL) == {"stable": 1, "candidate": 1}
    assert read_traffic(models, MODEL) == Traffic(split={"stable": 1})
    assert [entry.reason for entry in read_audit(models, MODEL)[-2:]] == [WHY, WHY]


def test_what_somebody_has_changed_since_stays(models: Path, left: Callable[..., None]) -> None:
    left(mirrored=NO_TRAFFIC)
    meant = Traffic(shadow=Shadow(label="other", fraction=0.5))
    label(models, "candidate", 1)
    label(models, "other", 1)
    set_traffic(models, MODEL, meant, by="test", reason="", now=NOON)
    assert cleared(models)
    assert read_labels(models, MODEL) == {"candidate": 1, "other": 1}
    assert read_traffic(models, MODEL) == meant


def test_a_label_that_no_promotion_has_set_stays(models: Path) -> None:
    label(models, "candidate", 2)
    assert not cleared(models)
    assert read_candidacy(model_paths(models, MODEL)) is None
    assert read_labels(models, MODEL) == {"candidate": 2}


def test_what_was_left_goes_although_a_label_of_the_split_was_taken_away_meanwhile(
    models: Path, left: Callable[..., None]
) -> None:
    label(models, "stable", 1)
    label(models, "canary", 2)
    split = Traffic(split={"stable": 90, "canary": 10})
    set_traffic(models, MODEL, split, by="test", reason="", now=NOON)
    left(mirrored=split)
    remove_label(models, MODEL, "canary", by="test", reason="", now=NOON)
    assert cleared(models)
    assert read_labels(models, MODEL) == {"stable": 1}
    assert read_traffic(models, MODEL) == split
