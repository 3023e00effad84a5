from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.traffic.split import Arm, Split, Walk

LABELS = ("canary", "next", "stable")
WEIGHTS = st.tuples(*(st.integers(1, 1000) for _ in LABELS))
BEARERS = [f"user-{number}".encode() for number in range(2000)]


def split(*weights: int) -> Split:
    return Split(
        "digits", [Arm(label, weight, n) for n, (label, weight) in enumerate(zip(LABELS, weights, strict=False))]
    )


@given(WEIGHTS, st.binary(max_size=64))
def test_the_same_bearer_lands_on_the_same_label_for_the_same_weights(weights: tuple[int, ...], key: bytes) -> None:
    assert split(*weights).of(key) == split(*weights).of(key)


@given(WEIGHTS, st.integers(1, 1000), st.binary(max_size=64))
def test_more_weight_only_moves_bearers_towards_a_label(weights: tuple[int, ...], more: int, key: bytes) -> None:
    before, after = split(*weights).of(key).label, split(weights[0] + more, *weights[1:]).of(key).label
    assert after in (before, "canary")


@given(WEIGHTS, st.integers(0, 2), st.binary(max_size=64))
def test_a_label_that_is_not_live_moves_only_its_own_bearers(weights: tuple[int, ...], gone: int, key: bytes) -> None:
    whole = split(*weights)
    left = Split("digits", [arm for arm in whole.arms if arm.label != LABELS[gone]])
    assert whole.of(key).label in (left.of(key).label, LABELS[gone])


@pytest.mark.parametrize("weights", [(10, 90), (1, 1), (1, 2, 7)])
def test_bearers_are_shared_out_by_weight(weights: tuple[int, ...]) -> None:
    counts = Counter(split(*weights).of(key).label for key in BEARERS)
    for label, weight in zip(LABELS, weights, strict=False):
        share = weight / sum(weights)
        deviation = (len(BEARERS) * share * (1 - share)) ** 0.5
        assert abs(counts[label] - len(BEARERS) * share) < 4 * deviation


def test_models_split_their_bearers_apart() -> None:
    arms = [Arm("canary", 1, 2), Arm("stable", 1, 1)]
    one, other = Split("digits", arms), Split("prices", arms)
    agreeing = sum(one.of(key) == other.of(key) for key in BEARERS)
    assert 800 < agreeing < 1200


@given(WEIGHTS, st.integers(1, 500))
def test_a_walk_keeps_every_label_near_its_share_at_every_moment(weights: tuple[int, ...], requests: int) -> None:
    whole, walk = split(*weights), Walk()
    counts = Counter(whole.at(walk.next()).label for _ in range(requests))
    for label, weight in zip(LABELS, weights, strict=True):
        assert abs(counts[label] - requests * weight / sum(weights)) < 6


def test_kinds_of_requests_that_take_turns_are_split_alike() -> None:
    whole, walk = split(1, 1), Walk()
    labels = [whole.at(walk.next()).label for _ in range(2000)]
    for kind in (labels[::2], labels[1::2]):
        assert abs(kind.count("canary") - 500) < 10


def test_one_label_has_everything() -> None:
    alone = split(7)
    assert (alone.at(0.0).label, alone.at(1 - 1e-16).label, alone.of(b"").label) == ("canary",) * 3
