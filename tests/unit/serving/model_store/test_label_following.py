"""Where labels answer while they move."""

from hypothesis import given
from hypothesis import strategies as st

from serving.model_store.label_following import Following, follow


def answers(pointed: dict[str, int], live: list[int], before: dict[str, int], unnamed: int | None) -> Following:
    return follow(pointed, live, Following(before, unnamed))


def test_a_label_stays_until_its_new_version_is_live() -> None:
    assert answers({"stable": 2}, [1], {"stable": 1}, 1) == Following({"stable": 1}, 1)
    assert answers({"stable": 2}, [1, 2], {"stable": 1}, 1) == Following({"stable": 2}, 2)


def test_a_new_label_points_at_what_is_not_live_and_nothing_else() -> None:
    assert answers({"canary": 2}, [1], {}, 1) == Following({"canary": 2}, 1)


def test_a_label_whose_last_version_is_gone_as_well_points_at_its_new_one() -> None:
    assert answers({"stable": 2}, [3], {"stable": 1}, 1) == Following({"stable": 2}, 2)


def test_a_first_stable_takes_the_requests_that_name_nothing_once_it_is_live() -> None:
    assert answers({"stable": 1}, [2], {}, 2) == Following({"stable": 1}, 2)
    assert answers({"stable": 1}, [1, 2], {}, 2) == Following({"stable": 1}, 1)


def test_without_stable_the_newest_live_version_answers() -> None:
    assert answers({"canary": 1}, [1, 2], {"stable": 1}, 1).unnamed == 2
    assert answers({}, [], {"stable": 1}, 1).unnamed is None


def test_kept_are_the_versions_of_labels_and_what_stable_takes_over_from() -> None:
    assert Following({"stable": 2, "canary": 3}, 1).kept_versions() == {1, 2, 3}
    assert Following({"canary": 3}, 5).kept_versions() == {3}


VERSIONS = st.integers(1, 4)
LABELS = st.dictionaries(st.sampled_from(["stable", "canary"]), VERSIONS)


@given(moves=st.lists(st.tuples(LABELS, st.sets(VERSIONS)), max_size=6))
def test_who_answered_goes_on_answering_while_somebody_can(moves: list[tuple[dict[str, int], set[int]]]) -> None:
    now = Following()
    for pointed, live in moves:
        before, now = now, follow(pointed, live, now)
        assert now.labels.keys() == pointed.keys()
        for label, version in now.labels.items():
            assert version == pointed[label] or (version == before.labels[label] and version in live)
            assert version in live or before.labels.get(label) not in live
        if "stable" in pointed and before.unnamed in live:
            assert now.unnamed in live
