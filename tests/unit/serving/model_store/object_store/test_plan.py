import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.model_store.object_store.plan import (
    backoff_seconds,
    interval_seconds,
    labels_after,
    labels_to_follow,
    traffic_to_follow,
    versions_to_fetch,
    wanted_versions,
)
from serving.model_store.traffic import NO_TRAFFIC, make_traffic

VERSIONS = st.sets(st.integers(1, 12))
LABELS = st.dictionaries(st.sampled_from(["stable", "canary", "old"]), st.integers(1, 12))


def test_labelled_versions_come_first_then_the_newest() -> None:
    assert versions_to_fetch([1, 2, 3, 4, 5], [], [2], keep=2) == (2, 5, 4)


def test_an_unusable_version_makes_room_for_the_next_older() -> None:
    assert versions_to_fetch([1, 2, 3], [], [], keep=1, unusable=[3]) == (2,)


def test_what_is_here_is_not_fetched_again_and_counts() -> None:
    assert versions_to_fetch([1, 2, 3], [3], [], keep=2) == (2,)
    assert versions_to_fetch([1, 2, 3], [10, 3], [], keep=2) == ()


def test_a_label_of_a_version_that_is_nowhere_fetches_nothing() -> None:
    assert versions_to_fetch([1], [], [9], keep=1) == (1,)


@settings(max_examples=50)
@given(VERSIONS, VERSIONS, LABELS, st.integers(1, 4), VERSIONS)
def test_what_is_fetched_is_wanted_afterwards_and_the_plan_is_then_done(
    stored: set[int], present: set[int], labels: dict[str, int], keep: int, unusable: set[int]
) -> None:
    labelled = set(labels.values())
    fetched = versions_to_fetch(stored, present, labelled, keep=keep, unusable=unusable)
    here = present | set(fetched)
    kept = wanted_versions(here, (), labelled, keep=keep)
    assert not set(fetched) & (present | unusable)
    assert set(fetched) <= stored & kept
    assert labelled & here <= kept
    assert len(kept) <= keep + len(labelled)
    assert len(kept) >= min(keep, len(here))
    assert versions_to_fetch(stored, kept, labelled, keep=keep, unusable=unusable) == ()


@settings(max_examples=50)
@given(LABELS, LABELS, VERSIONS)
def test_a_label_only_ever_names_what_is_here(
    stored: dict[str, int], followed: dict[str, int], present: set[int]
) -> None:
    here = labels_to_follow(stored, followed, present)
    assert set(here.values()) <= present
    assert all(here[label] == version for label, version in stored.items() if version in present)
    assert here.keys() <= stored.keys()


def test_a_label_waits_where_it_was_until_its_version_is_here() -> None:
    assert labels_to_follow({"stable": 3, "canary": 4}, {"stable": 2}, [1, 2]) == {"stable": 2}


def test_a_label_that_stands_still_in_the_store_stays_as_it_is_here() -> None:
    assert labels_after({"stable": 1}, {"stable": 1, "canary": 2}, {"stable": 1, "canary": 2}) == {"stable": 1}
    assert labels_after({"stable": 1}, {"stable": 1, "canary": 2}, {"stable": 2, "canary": 2}) == {"stable": 2}
    assert labels_after({"stable": 1, "mine": 1}, {"stable": 1}, {}) == {"mine": 1}


def test_traffic_waits_for_its_labels() -> None:
    stored, before = make_traffic({"stable": 9, "canary": 1}), make_traffic({"stable": 1})
    assert traffic_to_follow(stored, before, ["stable", "canary"]) == stored
    assert traffic_to_follow(stored, before, ["stable"]) == before
    assert traffic_to_follow(stored, before, []) == NO_TRAFFIC


@settings(max_examples=50)
@given(st.integers(1, 10_000), st.floats(0, 1))
def test_the_wait_doubles_up_to_its_bound_and_half_of_it_is_chance(failures: int, chance: float) -> None:
    full = min(60.0, 2.0 ** min(failures - 1, 16))
    assert full / 2 <= backoff_seconds(failures, chance) <= full
    assert backoff_seconds(failures, 1.0) >= backoff_seconds(max(1, failures - 1), 1.0)


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 27.0), (0.5, 30.0), (1.0, 33.0)])
def test_nodes_do_not_look_all_at_once(chance: float, seconds: float) -> None:
    assert interval_seconds(30.0, chance) == pytest.approx(seconds)
