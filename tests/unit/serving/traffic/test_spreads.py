from collections import Counter
from collections.abc import Mapping

import pytest

from serving.backend_protocol import VersionState, VersionStatus
from serving.catalog import CatalogView, ModelReference, build_view
from serving.model_store.snapshot import DirectorySnapshot, ModelOnDisk
from serving.model_store.traffic import NO_TRAFFIC, Traffic
from serving.traffic.spreads import Spreads

SPLIT = Traffic(split={"stable": 7, "canary": 3})
LABELS = {"stable": 1, "canary": 2}
OPEN = ModelReference("digits")


class Says(dict[str, bytes]):
    request_id = "mine"

    def said(self, name: str | None) -> bytes | None:
        return None if name is None else self.get(name)


def view(traffic: Traffic = SPLIT, labels: Mapping[str, int] = LABELS, live: tuple[int, ...] = (1, 2)) -> CatalogView:
    statuses = {"digits": {version: VersionStatus(VersionState.AVAILABLE, {}) for version in live}}
    on_disk = DirectorySnapshot({"digits": ModelOnDisk((1, 2), labels, traffic)})
    return build_view(statuses, on_disk, dict.fromkeys([("digits", version) for version in live]))


def answering(spreads: Spreads, seen: CatalogView, requests: int = 400) -> dict[int | None, float]:
    """The share of each version."""
    counts = Counter(spreads.chosen(seen, OPEN, None).version for _ in range(requests))
    return {version: round(count / requests, 1) for version, count in counts.items()}


def test_requests_that_name_nothing_are_split_by_weight() -> None:
    assert answering(Spreads(), view()) == {1: 0.7, 2: 0.3}


@pytest.mark.parametrize("reference", [ModelReference("digits", 1), ModelReference("digits", label="stable")])
def test_requests_that_name_a_version_or_a_label_are_left_alone(reference: ModelReference) -> None:
    assert Spreads().chosen(view(), reference, None) is reference


@pytest.mark.parametrize("seen", [view(NO_TRAFFIC), view(live=()), view(labels={"next": 2}), CatalogView({})])
def test_without_a_split_of_live_labels_nothing_is_chosen(seen: CatalogView) -> None:
    assert Spreads().chosen(seen, OPEN, None) is OPEN


def test_a_label_whose_version_is_not_live_gives_its_share_to_the_others() -> None:
    spreads = Spreads()
    assert answering(spreads, view(live=(1,))) == {1: 1.0}
    assert answering(spreads, view()) == {1: 0.7, 2: 0.3}


def test_a_bearer_of_a_key_stays_where_they_are_and_who_bears_none_walks() -> None:
    spreads, seen = Spreads(), view(Traffic(split={"stable": 1, "canary": 1}, sticky_by="x-user-id"))
    for user in range(20):
        says = Says({"x-user-id": str(user).encode()})
        assert len({spreads.chosen(seen, OPEN, says).version for _ in range(5)}) == 1
    assert answering(spreads, seen) == {1: 0.5, 2: 0.5}
    assert {spreads.chosen(seen, OPEN, Says()).version for _ in range(5)} == {1, 2}


def test_a_withdrawn_version_gets_nothing_until_its_label_or_the_traffic_change() -> None:
    spreads, seen = Spreads(), view()
    answering(spreads, seen)
    spreads.withdraw("digits", 2)
    assert answering(spreads, seen) == {1: 1.0}
    assert answering(spreads, view()) == {1: 1.0}, "a view that says the same begins no new trial"
    assert not spreads.is_withdrawn("prices", 2)
    again = view(Traffic(split={"stable": 1, "canary": 1}))
    assert answering(spreads, again) == {1: 0.5, 2: 0.5}
    assert not spreads.is_withdrawn("digits", 2)


@pytest.mark.parametrize(
    ("seen", "shares"),
    [
        (view(), {1: 0.7, 2: 0.3}),
        (view(live=(1,)), {1: 1.0}),
        (view(NO_TRAFFIC), {1: 1.0}),
        (view(NO_TRAFFIC, {"next": 2}), {2: 1.0}),
        (view(labels={"stable": 1, "canary": 1}), {1: 1.0}),
        (view(live=()), {}),
    ],
)
def test_shares_are_those_of_requests_that_name_nothing(seen: CatalogView, shares: Mapping[int, float]) -> None:
    assert Spreads().shares(seen, "digits") == pytest.approx(shares)


def test_a_withdrawn_version_has_no_share() -> None:
    spreads, seen = Spreads(), view()
    assert spreads.shares(seen, "digits") == pytest.approx({1: 0.7, 2: 0.3})
    spreads.withdraw("digits", 2)
    assert spreads.shares(seen, "digits") == {1: 1.0}
