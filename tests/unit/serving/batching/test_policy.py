"""What the batching core does, one claim at a time. Times are made up: nothing here waits."""

import pytest

from serving.backend_protocol import Target
from serving.batching.admission import QueueLimits
from serving.batching.events import BatchRules, QueueKey, Submission
from serving.batching.policy import BatchingCore
from serving.errors import BackendRejected, BackendUnavailable, Overloaded
from tests.unit.serving.batching.cores import LATER, batches, completed, new_core, rejected, sent, submission

DOWN = BackendUnavailable("nobody answers")
BAD = BackendRejected("cannot be parsed")


def test_full_batch_is_sent_at_once() -> None:
    core = new_core(*(submission(n) for n in range(4)), max_batch_rows=4)
    assert sent(core.fill_slots(0.0)) == [[(0, 1), (1, 1), (2, 1), (3, 1)]]


def test_free_slot_never_waits_for_a_fuller_batch() -> None:
    core = new_core(submission(1), max_batch_rows=64)
    assert sent(core.fill_slots(0.0)) == [[(1, 1)]]


def test_every_free_slot_is_filled() -> None:
    core = new_core(*(submission(n, 2) for n in range(3)), max_batch_rows=2, slots=3)
    assert sent(core.fill_slots(0.0)) == [[(0, 2)], [(1, 2)], [(2, 2)]]


def test_slots_can_be_filled_one_by_one() -> None:
    core = new_core(*(submission(n, 2) for n in range(3)), max_batch_rows=2, slots=2)
    assert [sent(core.fill_slots(0.0, most_batches=1)) for _ in range(3)] == [[[(0, 2)]], [[(1, 2)]], []]


def test_nothing_is_sent_without_a_free_slot() -> None:
    core = new_core(submission(1, 4), submission(2, 4), slots=1)
    core.fill_slots(0.0)
    assert core.fill_slots(1.0) == []
    assert core.in_flight == 1


def test_rows_never_exceed_a_batch() -> None:
    core = new_core(*(submission(n, 3) for n in range(8)), max_batch_rows=8, slots=8)
    assert [batch.rows for batch in batches(core.fill_slots(0.0))] == [6, 6, 6, 6]


@pytest.mark.parametrize(
    ("sizes", "largest"), [((1, 3), 3), ((1, 3, 5, 20), 5), ((20,), 8)], ids=["below", "within", "above"]
)
def test_a_batch_is_no_larger_than_a_size_its_model_allows(sizes: tuple[int, ...], largest: int) -> None:
    core = new_core(submission(1, 20, allowed_batch_rows=sizes), max_batch_rows=8)
    assert sent(core.fill_slots(0.0)) == [[(1, largest)]]


def test_a_model_may_have_a_lower_limit_than_the_gateway() -> None:
    core = BatchingCore(max_batch_rows=8, slots=1, limits=QueueLimits(100, 100))
    key = QueueKey(Target("digits", 1, "serving_default"), (), BatchRules(max_rows=3))
    core.submit(Submission(1, key, 9, 0, LATER), 0.0)
    assert sent(core.fill_slots(0.0)) == [[(1, 3)]]


def test_a_batch_says_how_many_rows_its_call_has() -> None:
    core = new_core(submission(1, 5, allowed_batch_rows=(1, 4, 8)), max_batch_rows=8)
    (batch,) = batches(core.fill_slots(0.0))
    assert (batch.rows, batch.padded_rows) == (5, 8)


def test_who_does_not_fit_is_first_in_the_next_batch() -> None:
    core = new_core(submission(1, 3), submission(2, 2), submission(3, 1), slots=2)
    assert sent(core.fill_slots(0.0)) == [[(1, 3)], [(2, 2), (3, 1)]]


@pytest.mark.parametrize("answer", ["done", "failed"])
def test_an_answer_frees_its_slot(answer: str) -> None:
    core = new_core(submission(1, 4), submission(2, 4))
    (batch,) = batches(core.fill_slots(0.0))
    _ = core.batch_done(batch.batch, 1.0) if answer == "done" else core.batch_failed(batch.batch, DOWN, 0.0)
    assert sent(core.fill_slots(1.0)) == [[(2, 4)]]


def test_a_batch_has_one_key() -> None:
    core = new_core(submission(1), submission(2, model="faces"), submission(3), slots=2)
    first, second = batches(core.fill_slots(0.0))
    assert (first.key.target.model, sent([first])) == ("digits", [[(1, 1), (3, 1)]])
    assert (second.key.target.model, sent([second])) == ("faces", [[(2, 1)]])


def test_the_queue_whose_head_waited_longest_goes_first() -> None:
    core = new_core(submission(1, 4), submission(2, model="faces"), submission(3, 4), submission(4, 4))
    order = []
    while dispatched := batches(core.fill_slots(0.0)):
        order += [part.request for part in dispatched[0].slices]
        core.batch_done(dispatched[0].batch, 0.0)
    assert order == [1, 2, 3, 4]


def test_batch_deadline_is_its_most_patient_members() -> None:
    core = new_core(*(submission(n, deadline_seconds=deadline) for n, deadline in enumerate([5.0, 9.0, 7.0])))
    assert batches(core.fill_slots(0.0))[0].deadline_seconds == 9.0


def test_a_batch_answers_all_its_members() -> None:
    core = new_core(submission(1, 2), submission(2, 2))
    (batch,) = batches(core.fill_slots(0.0))
    assert completed(core.batch_done(batch.batch, 1.0)) == [1, 2]


def test_cancelled_requests_are_skipped() -> None:
    core = new_core(submission(1), submission(2), submission(3))
    core.cancel(2)
    assert sent(core.fill_slots(0.0)) == [[(1, 1), (3, 1)]]


def test_a_slot_is_not_spent_on_the_cancelled() -> None:
    core = new_core(submission(1), submission(2))
    core.cancel(1)
    core.cancel(2)
    assert core.fill_slots(0.0) == []
    assert (core.queued_rows, core.in_flight) == (0, 0)


def test_cancelled_in_flight_is_not_answered_and_its_neighbour_is() -> None:
    core = new_core(submission(1), submission(2))
    (batch,) = batches(core.fill_slots(0.0))
    core.cancel(1)
    assert completed(core.batch_done(batch.batch, 1.0)) == [2]


def test_large_request_is_cut() -> None:
    core = new_core(submission(1, 10), max_batch_rows=4, slots=3)
    assert [(part.start, part.rows) for batch in batches(core.fill_slots(0.0)) for part in batch.slices] == [
        (0, 4),
        (4, 4),
        (8, 2),
    ]


def test_large_request_takes_one_slot_at_a_time_while_others_wait() -> None:
    core = new_core(submission(1, 12), submission(2, 4), submission(3, 4, model="faces"), slots=3)
    assert sent(core.fill_slots(0.0)) == [[(1, 4)], [(3, 4)], [(2, 4)]]


def test_large_request_fills_what_small_ones_leave() -> None:
    core = new_core(submission(1), submission(2, 6), max_batch_rows=4, slots=2)
    assert sent(core.fill_slots(0.0)) == [[(1, 1), (2, 3)], [(2, 3)]]


def test_large_request_completes_with_its_last_rows_in_any_order() -> None:
    core = new_core(submission(1, 10), slots=3)
    first, second, third = batches(core.fill_slots(0.0))
    assert core.batch_done(third.batch, 1.0) == core.batch_done(first.batch, 2.0) == []
    assert completed(core.batch_done(second.batch, 3.0)) == [1]


def test_tick_rejects_what_expired_in_the_queue() -> None:
    core = new_core(submission(1, deadline_seconds=5.0), submission(2))
    assert rejected(core.tick(5.0)) == [(1, "DeadlineExceeded")]
    assert core.queued_rows == 1


def test_tick_rejects_what_expired_in_flight_and_its_slot_stays_taken() -> None:
    core = new_core(submission(1, deadline_seconds=5.0))
    (batch,) = batches(core.fill_slots(0.0))
    assert rejected(core.tick(5.0)) == [(1, "DeadlineExceeded")]
    assert core.in_flight == 1
    assert core.batch_done(batch.batch, 6.0) == []


def test_tick_leaves_alone_who_has_time() -> None:
    core = new_core(submission(1, deadline_seconds=5.0))
    assert core.tick(4.99) == []


def test_nothing_expired_is_sent() -> None:
    core = new_core(submission(1, deadline_seconds=5.0), submission(2, deadline_seconds=9.0))
    actions = core.fill_slots(5.0)
    assert rejected(actions) == [(1, "DeadlineExceeded")]
    assert sent(actions) == [[(2, 1)]]


def test_a_request_that_comes_too_late_is_not_queued() -> None:
    core = new_core()
    assert rejected(core.submit(submission(1, deadline_seconds=5.0), 5.0)) == [(1, "DeadlineExceeded")]
    assert core.queued_rows == 0


def test_a_failed_batch_ends_its_members_only() -> None:
    core = new_core(submission(1, 2), submission(2, 2), submission(3), slots=2)
    first, second = batches(core.fill_slots(0.0))
    assert rejected(core.batch_failed(first.batch, DOWN, 0.0)) == [(1, "BackendUnavailable"), (2, "BackendUnavailable")]
    assert completed(core.batch_done(second.batch, 1.0)) == [3]


def test_a_failed_part_ends_the_rest_of_a_large_request() -> None:
    core = new_core(submission(1, 12), slots=2)
    first, second = batches(core.fill_slots(0.0))
    assert rejected(core.batch_failed(second.batch, DOWN, 0.0)) == [(1, "BackendUnavailable")]
    assert core.batch_done(first.batch, 1.0) == core.fill_slots(1.0) == []


def test_a_full_queue_refuses_with_the_time_it_needs_to_drain() -> None:
    core = new_core(submission(1, 4), max_rows=10)
    (batch,) = batches(core.fill_slots(0.0))
    core.batch_done(batch.batch, 2.0)
    core.submit(submission(2, 10), 2.0)
    (refusal,) = core.submit(submission(3), 2.0)
    error = getattr(refusal, "error", None)
    assert isinstance(error, Overloaded)
    assert error.retry_after_seconds == pytest.approx(10 * 2.0 / 4)


def test_two_slots_drain_twice_as_fast() -> None:
    core = new_core(submission(1, 4), slots=2)
    (batch,) = batches(core.fill_slots(0.0))
    core.batch_done(batch.batch, 2.0)
    core.submit(submission(2, 4), 2.0)
    assert core.load.drain_seconds == pytest.approx(1.0)


def test_bytes_are_counted_until_the_last_row_is_sent() -> None:
    core = new_core(submission(1, 6, nbytes=600))
    (batch,) = batches(core.fill_slots(0.0))
    assert (core.queued_rows, core.queued_bytes) == (2, 600)
    core.batch_done(batch.batch, 1.0)
    core.fill_slots(1.0)
    assert (core.queued_rows, core.queued_bytes) == (0, 0)


def test_the_next_deadline_is_the_earliest_open_one() -> None:
    core = new_core(*(submission(n, deadline_seconds=float(n)) for n in (7, 3, 5)))
    assert core.next_deadline_seconds() == 3.0
    core.cancel(3)
    assert core.next_deadline_seconds() == 5.0


def test_nobody_waits_for_a_deadline_when_all_are_answered() -> None:
    core = new_core(submission(1))
    (batch,) = batches(core.fill_slots(0.0))
    core.batch_done(batch.batch, 1.0)
    assert core.next_deadline_seconds() is None


def test_rejected_batch_is_halved_until_the_guilty_is_alone() -> None:
    core, guilty, told = new_core(*(submission(n) for n in range(8)), max_batch_rows=8), 5, []
    while flying := batches(core.fill_slots(0.0)):
        for batch in flying:
            bad = guilty in [part.request for part in batch.slices]
            told += core.batch_failed(batch.batch, BAD, 0.0) if bad else core.batch_done(batch.batch, 1.0)
    assert rejected(told) == [(guilty, "BackendRejected")]
    assert sorted(completed(told)) == [0, 1, 2, 3, 4, 6, 7]


def test_halves_go_before_what_waits_and_without_the_departed() -> None:
    core = new_core(*(submission(n) for n in range(4)), submission(9), max_batch_rows=4)
    (batch,) = batches(core.fill_slots(0.0))
    core.batch_failed(batch.batch, BAD, 0.0)
    core.cancel(0)
    (half,) = batches(core.fill_slots(0.0))
    assert [part.request for part in half.slices] == [1]


def test_unreachable_backend_is_not_asked_again_by_halves() -> None:
    core = new_core(*(submission(n) for n in range(4)), max_batch_rows=4)
    (batch,) = batches(core.fill_slots(0.0))
    assert len(rejected(core.batch_failed(batch.batch, DOWN, 0.0))) == 4
    assert core.fill_slots(0.0) == []
