"""The rules at work together in the core: time, urgency, tenants, and backends in trouble, one claim at a time."""

import pytest

from serving.backend_protocol import Target
from serving.batching.admission import QueueLimits
from serving.batching.backlog import QUEUES_KEPT
from serving.batching.events import BatchRules, Lane, QueueKey, Submission
from serving.batching.policy import AWAITED, BatchingCore
from serving.batching.queues import LEARNING_CALLS
from serving.errors import DeadlineExceeded
from tests.unit.serving.batching.cores import (
    LATER,
    answered_after,
    batches,
    key_of,
    new_core,
    rejected,
    sent,
    submission,
)
from tests.unit.serving.batching.policy_lessons import START, a_second_a_row, learned, one_second, refused, teach


def test_who_would_be_late_is_refused_with_the_time_the_queue_needs() -> None:
    core = learned()
    for number in range(9):
        core.submit(submission(number), START)  # two full batches and one row
    assert refused(core, submission(20, deadline_seconds=START + 3.2)) is not None, "3 s and a tenth"
    assert refused(core, submission(21, deadline_seconds=START + 3.4)) is None
    error = refused(core, submission(22, deadline_seconds=START + 1.0))
    assert error is not None
    assert error.retry_after_seconds == pytest.approx(10 / 4)


def test_the_call_under_way_counts_too() -> None:
    core = learned()
    core.submit(submission(1), START)
    core.fill_slots(START)
    assert refused(core, submission(2, deadline_seconds=START + 2.1)) is not None
    assert refused(core, submission(3, deadline_seconds=START + 2.3)) is None


def test_an_idle_backend_takes_who_fits_into_a_small_batch() -> None:
    core = learned(a_second_a_row)
    assert refused(core, submission(1, deadline_seconds=START + 1.2)) is None, "a full batch would take 4 s"
    assert refused(core, submission(2, deadline_seconds=START + 1.2)) is not None, "not beside the first"


def test_nobody_is_refused_for_what_few_calls_say() -> None:
    core = new_core()
    for number in range(LEARNING_CALLS - 1):
        answered_after(core, submission(-number), lambda _: 50.0, 60.0 * number)
    assert core.submit(submission(9, deadline_seconds=301.0), 300.0) == []
    assert sent(core.fill_slots(300.0)) == [[(9, 1)]]


def test_a_prediction_that_shut_the_door_is_tried_again_by_one_request() -> None:
    core = learned(lambda _: 50.0)
    assert refused(core, submission(1, deadline_seconds=START + 5.0)) is not None
    later = START + 2.0
    assert refused(core, submission(2, deadline_seconds=later + 5.0), later) is None
    assert refused(core, submission(3, deadline_seconds=later + 5.0), later) is not None, "one is enough"
    assert sent(core.fill_slots(later)) == [[(2, 1)]]


def test_a_call_is_awaited_for_its_latest_member_or_four_predictions_and_a_late_one_is_learned_from() -> None:
    core = learned()
    for number, patience in enumerate((1.5, 2.5, 12.0, 11.0)):
        assert core.submit(submission(number, 2, deadline_seconds=START + patience), START) == []
    hurried = batches(core.fill_slots(START))[0]
    assert hurried.deadline_seconds == pytest.approx(START + AWAITED), "calls take a second"
    assert rejected(core.tick(START + 3.0)) == [(0, "DeadlineExceeded"), (1, "DeadlineExceeded")]
    assert core.batch_done(hurried.batch, START + 3.5) == [], "nobody waits for it any more"
    assert (core.cost_seconds(key_of("digits"), 4) or 0) > 1.1
    assert batches(core.fill_slots(START + 3.5))[0].deadline_seconds == START + 12.0


def test_a_call_that_is_given_up_makes_the_next_ones_look_longer() -> None:
    core = learned()
    core.submit(submission(1, 4, deadline_seconds=START + 2.0), START)
    call = batches(core.fill_slots(START))[0]
    core.tick(START + 2.0)
    assert core.batch_failed(call.batch, DeadlineExceeded("no answer"), START + 4.0) == []
    assert (core.cost_seconds(key_of("digits"), 4) or 0) > 1.1


def test_a_head_that_cannot_finish_any_more_is_dropped_and_costs_nobody() -> None:
    core = learned()
    core.submit(submission(1, 4), START)
    (running,) = batches(core.fill_slots(START))
    assert core.submit(submission(2, deadline_seconds=START + 2.3), START) == []
    core.submit(submission(3), START)
    core.batch_done(running.batch, START + 1.5)  # it took longer than foreseen
    actions = core.fill_slots(START + 1.5)
    assert rejected(actions) == [(2, "DeadlineExceeded")]
    assert sent(actions) == [[(3, 1)]]


def test_the_window_slides_past_an_old_head_that_would_force_a_small_batch() -> None:
    core = learned(a_second_a_row)
    core.submit(submission(1, 4), START)
    (running,) = batches(core.fill_slots(START))
    core.submit(submission(2, deadline_seconds=START + 9.0), START)
    for number in (3, 4, 5, 6):
        core.submit(submission(number), START)
    core.batch_done(running.batch, START + 6.0)
    actions = core.fill_slots(START + 6.0)  # with 2, one row could go; without it, four
    assert rejected(actions) == [(2, "DeadlineExceeded")]
    assert sent(actions) == [[(3, 1), (4, 1), (5, 1), (6, 1)]]
    assert core.explain(START).queues[0].shed["slid_past"] == 1


def test_without_overload_a_batch_is_cut_to_what_its_head_can_bear() -> None:
    core = learned(a_second_a_row)
    for number in range(4):
        core.submit(submission(number), START)
    core.submit(submission(9, deadline_seconds=START + 2.5, lane=Lane.HIGH), START)
    assert sent(core.fill_slots(START)) == [[(9, 1), (0, 1)]]


def test_an_objective_bounds_the_batch() -> None:
    core = BatchingCore(max_batch_rows=8, slots=1, limits=QueueLimits(1_000, 1_000))
    key = QueueKey(Target("digits", 1, "serving_default"), (), BatchRules(objective_seconds=6.5))
    for number in range(12):
        answered_after(core, Submission(number, key, 1 + number % 4, 0, LATER), a_second_a_row, 10.0 * number)
    core.submit(Submission(20, key, 8, 0, LATER), 200.0)
    assert sent(core.fill_slots(200.0)) == [[(20, 3)]]
    (facts,) = core.explain(200.0).queues
    assert (facts.batch_rows, "6.5 s" in facts.batch_reason) == (3, True)


def test_the_cheaper_allowed_size_is_sent() -> None:
    core = BatchingCore(max_batch_rows=8, slots=1, limits=QueueLimits(1_000, 1_000))
    for number in range(12):
        one = submission(number, (4, 8)[number % 2], allowed_batch_rows=(4, 8))
        answered_after(core, one, a_second_a_row, 20.0 * number)
    for number in range(20, 25):
        core.submit(submission(number, allowed_batch_rows=(4, 8)), 300.0)
    (batch,) = batches(core.fill_slots(300.0))
    assert (batch.rows, batch.padded_rows) == (4, 4), "5 rows padded to 8 would take 8 s"


def test_rows_that_do_not_come_out_even_take_the_larger_size() -> None:
    core = BatchingCore(max_batch_rows=8, slots=1, limits=QueueLimits(1_000, 1_000))
    for number in range(12):
        one = submission(number, (4, 8)[number % 2], allowed_batch_rows=(4, 8))
        answered_after(core, one, a_second_a_row, 20.0 * number)
    core.submit(submission(20, 5, allowed_batch_rows=(4, 8)), 300.0)
    (batch,) = batches(core.fill_slots(300.0))
    assert (batch.rows, batch.padded_rows) == (5, 8)


def test_urgent_rows_go_first_and_patient_ones_fill_the_batch() -> None:
    waiting = [submission(n, lane=lane) for n, lane in enumerate([Lane.BATCH, Lane.NORMAL, Lane.BATCH, Lane.HIGH])]
    assert sent(new_core(*waiting).fill_slots(0.0)) == [[(3, 1), (1, 1), (0, 1), (2, 1)]]


def test_a_lower_lane_leads_now_and_then() -> None:
    core = learned()
    core.submit(submission(500, lane=Lane.BATCH), START)
    now, order = START, list[int]()
    for number in range(30):
        core.submit(submission(number, 4, lane=Lane.HIGH), now)
        for batch in batches(core.fill_slots(now)):
            order.append(batch.slices[0].request)
            now += 1.0
            core.batch_done(batch.batch, now)
    assert 500 in order[:25]


def test_tenants_share_a_batch() -> None:
    greedy = [submission(n, tenant="greedy") for n in range(10)]
    core = new_core(*greedy, submission(20, tenant="modest"), submission(21, tenant="modest"))
    (members,) = sent(core.fill_slots(0.0))
    assert sorted(request for request, _ in members) == [0, 1, 20, 21]


def test_the_longest_tenant_makes_room_with_its_newest() -> None:
    core = new_core(*(submission(n, tenant="greedy") for n in range(10)), max_rows=10)
    assert rejected(core.submit(submission(20, tenant="modest"), 0.0)) == [(9, "Overloaded")]
    assert rejected(core.submit(submission(21, tenant="greedy"), 0.0)) == [(21, "Overloaded")]
    assert core.queued_rows == 10


def test_no_urgent_request_makes_room_for_a_patient_one() -> None:
    core = new_core(*(submission(n, tenant="greedy", lane=Lane.HIGH) for n in range(10)), max_rows=10)
    assert rejected(core.submit(submission(20, tenant="modest", lane=Lane.BATCH), 0.0)) == [(20, "Overloaded")]


def test_a_modest_tenant_is_not_refused_for_a_greedy_ones_queue() -> None:
    core = learned()
    for number in range(40):
        core.submit(submission(number, tenant="greedy"), START)
    deadline = START + 3.0
    assert refused(core, submission(50, tenant="greedy", deadline_seconds=deadline)) is not None
    assert refused(core, submission(51, tenant="modest", deadline_seconds=deadline)) is None


def test_queues_share_the_device_by_time() -> None:
    core = learned(lambda _: 0.9)
    teach(core, lambda _: 0.1, "faces")
    for number in range(200):
        core.submit(submission(number, 4), START)
        core.submit(submission(1_000 + number, 4, model="faces"), START)
    now, spent = START, {"digits": 0.0, "faces": 0.0}
    while now < START + 18.0:
        (batch,) = batches(core.fill_slots(now))
        model = batch.key.target.model
        seconds = 0.9 if model == "digits" else 0.1
        now, spent[model] = now + seconds, spent[model] + seconds
        core.batch_done(batch.batch, now)
    assert spent["digits"] == pytest.approx(spent["faces"], abs=1.0)


def test_a_device_that_is_dear_may_wait_for_company() -> None:
    core = new_core()
    core.submit(submission(1, max_wait_seconds=2.0), 0.0)
    assert core.fill_slots(1.0) == []
    assert core.next_deadline_seconds() == 2.0
    assert sent(core.fill_slots(2.0)) == [[(1, 1)]]


def test_a_full_batch_waits_for_nobody() -> None:
    core = new_core(*(submission(n, max_wait_seconds=2.0) for n in range(4)))
    assert sent(core.fill_slots(0.0)) == [[(0, 1), (1, 1), (2, 1), (3, 1)]]


def test_idle_queues_are_forgotten_when_there_are_too_many() -> None:
    core = new_core()
    for number in range(QUEUES_KEPT + 50):
        answered_after(core, submission(number, model=f"model {number}"), one_second, 2.0 * number)
    known = core.explain(START).queues
    assert len(known) == QUEUES_KEPT
    assert known[-1].target.model == f"model {QUEUES_KEPT + 49}"


def test_what_is_gone_and_idle_is_forgotten_and_nothing_else() -> None:
    core = new_core()
    for number, model in enumerate(("gone", "gone lately", "live", "gone but asked")):
        answered_after(core, submission(number, model=model), one_second, 10.0 * number)
    core.submit(submission(9, model="gone but asked"), 50.0)
    core.forget(lambda target: target.model == "live", before=11.0)
    assert {queue.target.model for queue in core.explain(50.0).queues} == {"gone lately", "live", "gone but asked"}
    core.forget(lambda target: target.model == "live", before=50.0)
    assert {queue.target.model for queue in core.explain(50.0).queues} == {"live", "gone but asked"}
    assert sent(core.fill_slots(50.0)) == [[(9, 1)]]


def test_the_core_answers_what_a_call_costs() -> None:
    core = learned(a_second_a_row)
    assert core.cost_seconds(key_of("digits"), 3) == pytest.approx(3.0)
    assert core.cost_seconds(key_of("faces"), 3) is None


def test_the_core_explains_itself() -> None:
    core = learned(a_second_a_row)
    core.submit(submission(1, 2), START)
    facts = core.explain(START)
    (queue,) = facts.queues
    assert (facts.slots, facts.slots_reason, facts.queued_rows, facts.drain_seconds) == (1, "as set", 2, 2.0)
    assert queue.cost is not None
    assert (queue.cost.fixed_seconds, queue.cost.row_seconds) == pytest.approx((0.0, 1.0))
    assert [(bucket.most_rows, bucket.mean_seconds) for bucket in queue.buckets] == [(1, 1.0), (2, 2.0), (4, 4.0)]
    assert queue.calls.error is not None
    assert queue.latency.observed_seconds is not None
    assert (queue.breaker, queue.probe_in_seconds, queue.queued_rows) == ("closed", None, 2)
