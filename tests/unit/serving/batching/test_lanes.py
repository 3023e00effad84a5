"""High before normal before batch, and nobody starves."""

from collections import Counter
from collections.abc import Sequence

import pytest

from serving.batching.events import Lane
from serving.batching.lanes import PROMOTED, RESERVES, LaneReserves

ALL = tuple(Lane)


def leads(waiting: Sequence[Lane], batches: int, aged: Sequence[Lane] = ()) -> Counter[Lane]:
    """How often each lane leads where all of these always wait and each batch is filled by its leader alone."""
    reserves, told = LaneReserves(), Counter[Lane]()
    for _ in range(batches):
        lead = reserves.order(waiting)[0]
        reserves.spend(1.0, waiting, {lead}, aged)
        told[lead] += 1
    return told


def test_the_most_urgent_lane_leads() -> None:
    assert LaneReserves().order(ALL)[0] is Lane.HIGH
    assert list(LaneReserves().order([Lane.BATCH])) == [Lane.BATCH]


def test_lower_lanes_get_their_reserves_and_no_more() -> None:
    told = leads(ALL, 1_000)
    for lane in (Lane.NORMAL, Lane.BATCH):
        share = RESERVES[lane] / (1 + RESERVES[lane])  # what is owed is counted in the others' batches
        assert told[lane] == pytest.approx(1_000 * share, rel=0.1)


def test_age_promotes_a_lane() -> None:
    plain, promoted = leads([Lane.HIGH, Lane.BATCH], 2_000), leads([Lane.HIGH, Lane.BATCH], 2_000, [Lane.BATCH])
    assert promoted[Lane.BATCH] == pytest.approx(PROMOTED * plain[Lane.BATCH], rel=0.1)


def test_who_rides_along_is_owed_nothing() -> None:
    reserves = LaneReserves()
    for _ in range(100):
        reserves.spend(1.0, ALL, set(ALL), ())
    assert reserves.order(ALL)[0] is Lane.HIGH


def test_everybody_who_waits_is_in_the_order_once() -> None:
    reserves = LaneReserves()
    reserves.spend(1.0, ALL, {Lane.HIGH}, ())
    assert sorted(reserves.order(ALL)) == sorted(ALL)
    assert reserves.order(ALL)[0] is Lane.BATCH
