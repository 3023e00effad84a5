from serving.batching.breaker import FIRST_PAUSE_SECONDS
from serving.batching.isolation import CALLS_KEPT
from serving.errors import BackendOverloaded, BackendRejected, BackendUnavailable
from tests.unit.serving.batching.cores import (
    batches,
    completed,
    new_core,
    rejected,
    sent,
    submission,
)

DOWN, BAD, FULL = BackendUnavailable("gone"), BackendRejected("indigestible"), BackendOverloaded("no room")


def test_a_backend_that_is_gone_is_probed_by_one_request_at_a_time() -> None:
    core = new_core(submission(1, 4), *(submission(n) for n in range(2, 6)), slots=2)
    first, second = batches(core.fill_slots(0.0))
    core.batch_done(second.batch, 0.0)
    core.submit(submission(9), 0.0)
    core.batch_failed(first.batch, DOWN, 1.0)
    assert core.fill_slots(1.0) == []
    assert core.next_deadline_seconds() == 1.0 + FIRST_PAUSE_SECONDS
    core.submit(submission(10), 1.0)
    assert sent(core.fill_slots(1.0 + FIRST_PAUSE_SECONDS)) == [[(9, 1)]]
    assert core.fill_slots(2.0) == [], "one probe at a time"


def test_a_failed_probe_tells_whoever_waits_and_shuts_the_door() -> None:
    core = new_core(submission(1), submission(2, model="faces"))
    (batch,) = batches(core.fill_slots(0.0))
    core.submit(submission(3), 0.0)
    core.batch_failed(batch.batch, DOWN, 0.0)
    (other,) = batches(core.fill_slots(0.0))
    assert other.key.target.model == "faces", "the other model is asked as before"
    core.batch_done(other.batch, 1.0)
    (probe,) = batches(core.fill_slots(1.0))
    core.submit(submission(4), 1.0)
    assert rejected(core.batch_failed(probe.batch, DOWN, 1.0)) == [(3, "BackendUnavailable"), (4, "BackendUnavailable")]
    assert rejected(core.submit(submission(5), 1.0)) == [(5, "BackendUnavailable")]
    assert core.submit(submission(6), 9.0) == []
    assert sent(core.fill_slots(9.0)) == [[(6, 1)]]


def test_an_answered_probe_opens_the_way_for_everybody() -> None:
    core = new_core(submission(1))
    (batch,) = batches(core.fill_slots(0.0))
    core.batch_failed(batch.batch, DOWN, 0.0)
    for number in (2, 3, 4):
        core.submit(submission(number), 0.0)
    (probe,) = batches(core.fill_slots(1.0))
    assert completed(core.batch_done(probe.batch, 2.0)) == [2]
    assert sent(core.fill_slots(2.0)) == [[(3, 1), (4, 1)]]


def test_a_backend_without_room_gets_half() -> None:
    core = new_core(submission(1, 8), max_batch_rows=8)
    (batch,) = batches(core.fill_slots(0.0))
    assert rejected(core.batch_failed(batch.batch, FULL, 1.0)) == [(1, "BackendOverloaded")]
    core.submit(submission(2, 8), 1.0)
    assert sent(core.fill_slots(1.0)) == [[(2, 4)]]
    assert "no room" in core.explain(1.0).queues[0].batch_reason


def test_a_stream_of_bad_requests_does_not_live_off_its_neighbours() -> None:
    core, calls = new_core(max_batch_rows=2, slots=1), 0
    for number in range(0, 200, 2):
        core.submit(submission(number), 0.0)
        core.submit(submission(number + 1), 0.0)
        while flying := batches(core.fill_slots(0.0)):
            calls += 1
            core.batch_failed(flying[0].batch, BAD, 0.0)
    assert calls == 100 + CALLS_KEPT
