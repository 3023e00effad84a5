"""Overloads that end, greedy neighbours, lanes and depth: what our core does, and first come first served does not.

The bounds are in batches: S(B) is the time of a full one, the least that anybody waits on a busy device.
"""

import pytest

from loadtests.simulation.device import CASES, Case
from loadtests.simulation.ours import our_core
from loadtests.simulation.policies import FirstComeFirstServed
from loadtests.simulation.scenarios import (
    OVERLAPPING,
    greedy_neighbour,
    lanes_under_load,
    overload_that_ends,
    patient_work_under_urgent,
    through_a_line,
)
from serving.batching.events import Lane
from serving.batching.lanes import RESERVES

QUICK, SLOW = CASES[0], CASES[2]
BOTH = pytest.mark.parametrize("case", [QUICK, SLOW], ids=lambda case: case.name)


def plain(case: Case) -> FirstComeFirstServed:
    return FirstComeFirstServed(case.max_batch_rows)


def batch_seconds(case: Case) -> float:
    return case.device.seconds(case.max_batch_rows)


@BOTH
def test_overload_costs_no_goodput_is_told_at_once_and_leaves_nothing_behind(case: Case) -> None:
    ours = overload_that_ends(our_core, case, batches=20)
    assert ours.share_of_capacity >= 0.9
    assert ours.refusal_p50_seconds < 0.01
    assert ours.after_goodput == 1.0
    assert ours.after_seconds <= 1.15 * ours.before_seconds
    theirs = overload_that_ends(plain, case, batches=20)
    assert theirs.share_of_capacity < 0.9
    assert theirs.after_seconds > 2 * theirs.before_seconds


@BOTH
def test_greedy_tenant_costs_a_modest_one_a_batch_and_no_answer(case: Case) -> None:
    ours = greedy_neighbour(our_core, case, number=150)
    assert ours.beside.goodput >= ours.alone.goodput - 0.01
    assert ours.beside.mean_seconds <= ours.alone.mean_seconds + 1.1 * batch_seconds(case)
    theirs = greedy_neighbour(plain, case, number=150)
    assert theirs.beside.goodput < 0.5


@BOTH
def test_urgent_requests_are_answered_under_overload_and_patient_ones_get_their_reserve(case: Case) -> None:
    lanes = lanes_under_load(our_core, case, number=800)
    assert lanes[Lane.HIGH].goodput >= 0.99
    assert lanes[Lane.HIGH].mean_seconds <= 1.6 * batch_seconds(case)
    assert lanes[Lane.HIGH].mean_seconds < lanes[Lane.NORMAL].mean_seconds < lanes[Lane.BATCH].mean_seconds
    plainly = lanes_under_load(plain, case, number=800)
    assert plainly[Lane.HIGH].mean_seconds > 2 * lanes[Lane.HIGH].mean_seconds


@BOTH
def test_patient_work_does_not_starve_under_urgent_overload(case: Case) -> None:
    """Its reserve is a share of the batches, so that many others may go before each of its own."""
    patient = patient_work_under_urgent(our_core, case, number=2_000)
    assert patient.goodput == 1.0
    assert patient.latency_seconds(1.0) <= (1 / RESERVES[Lane.BATCH] + 4) * batch_seconds(case)


def test_depth_climbs_to_where_the_line_is_hidden_and_no_further() -> None:
    """One batch in flight leaves the device idle while the next travels; many are small and wait for each other."""
    fixed = {slots: through_a_line(our_core(OVERLAPPING, slots=slots), 6_000).mean_seconds for slots in (1, 2, 8)}
    assert fixed[2] < 0.8 * fixed[1]
    assert fixed[2] < 0.5 * fixed[8]
    core = our_core(OVERLAPPING, slots=1, most_slots=8)
    climbing = through_a_line(core, 16_000)
    assert core.slots in {2, 3}
    assert climbing.latencies[-2_000:].mean() <= 1.1 * fixed[2]
