import pytest

from serving.backend_protocol import VersionState, VersionStatus
from serving.backends.tfserving.statuses import (
    Learned,
    Report,
    Reported,
    available,
    is_settled,
    merged_statuses,
    out_of_reach,
)
from serving.contract.tensors import Signature

SIGNATURES = {"serving_default": Signature((), ())}
START, LOADING, AVAILABLE, UNLOADING, END = VersionState


def report(state: VersionState, error: str = "") -> Report:
    return {"digits": {1: Reported(state, error)}}


def merged(*reports: Report) -> VersionStatus:
    return merged_statuses(reports, {("digits", 1): Learned(SIGNATURES)})["digits"][1]


@pytest.mark.parametrize("other", VersionState)
def test_one_replica_that_has_it_is_enough(other: VersionState) -> None:
    for reports in ((report(AVAILABLE), report(other)), (report(other), report(AVAILABLE))):
        assert merged(*reports) == VersionStatus(AVAILABLE, SIGNATURES)


def test_the_furthest_counts_while_none_has_it() -> None:
    assert merged(report(END), report(LOADING), report(UNLOADING)).state is LOADING


def test_a_failed_load_says_why_even_if_another_replica_says_nothing() -> None:
    assert merged(report(END), report(END, "no such op")).error == "no such op"
    assert merged(report(END, "no such op"), report(END)).error == "no such op"


def test_a_version_is_loading_until_its_signatures_are_known() -> None:
    assert merged_statuses([report(AVAILABLE)], {})["digits"][1] == VersionStatus(LOADING, {})


def test_a_version_whose_signatures_cannot_be_served_is_not_available() -> None:
    learned = {("digits", 1): Learned({}, "no free batch dimension", 1, 2.0)}
    status = merged_statuses([report(AVAILABLE)], learned)["digits"][1]
    assert (status.state, status.error) == (END, "no free batch dimension")


def test_versions_of_all_replicas_are_known() -> None:
    both = merged_statuses([report(END), {"digits": {2: Reported(LOADING)}, "iris": {7: Reported(START)}}], {})
    assert {model: sorted(versions) for model, versions in both.items()} == {"digits": [1, 2], "iris": [7]}
    assert available([report(AVAILABLE), {"iris": {7: Reported(START)}}]) == {("digits", 1)}


def test_out_of_reach_nothing_is_available_and_old_reasons_stay() -> None:
    before = {"digits": {1: VersionStatus(AVAILABLE, SIGNATURES), 2: VersionStatus(END, {}, error="broken")}}
    after = out_of_reach(before, "nobody")["digits"]
    assert after == {1: VersionStatus(END, {}, error="nobody"), 2: VersionStatus(END, {}, error="broken")}


def test_a_replica_is_settled_when_nothing_comes_or_goes() -> None:
    assert is_settled(report(AVAILABLE))
    assert is_settled(report(END))
    assert not is_settled(report(LOADING))
    assert not is_settled(report(UNLOADING))
    assert not is_settled({})


def test_a_version_that_has_left_stays_until_the_one_that_came_is_known() -> None:
    before = {"digits": {1: VersionStatus(AVAILABLE, SIGNATURES), 3: VersionStatus(AVAILABLE, SIGNATURES)}}
    now: Report = {"digits": {1: Reported(UNLOADING), 2: Reported(AVAILABLE), 3: Reported(AVAILABLE)}}
    third = {("digits", 3): Learned(SIGNATURES)}
    asked = merged_statuses([now], third, before=before, asked={("digits", 2)})["digits"]
    assert {version: status.state for version, status in asked.items()} == {1: AVAILABLE, 2: LOADING, 3: AVAILABLE}
    now = {"digits": {1: Reported(END), 2: Reported(AVAILABLE)}}
    known = merged_statuses([now], {("digits", 2): Learned(SIGNATURES)}, before=before)["digits"]
    assert {version: status.state for version, status in known.items()} == {1: END, 2: AVAILABLE}
    unasked = merged_statuses([now], {}, before=before)["digits"]
    assert unasked[1].state is END
