"""The door asked before a request is read: it refuses whom it would refuse afterwards, and nobody else."""

import pytest

from serving.batching.events import Lane
from serving.batching.policy import BatchingCore
from serving.errors import BackendUnavailable, DeadlineExceeded, Overloaded, PenstockError
from tests.unit.serving.batching.cores import LATER, answered_after, batches, key_of, new_core, rejected, submission

START = 100.0


def looked_at(
    core: BatchingCore,
    *,
    model: str = "digits",
    deadline_seconds: float = LATER,
    lane: Lane = Lane.NORMAL,
    tenant: str = "",
) -> PenstockError | None:
    return core.turned_away(key_of(model), deadline_seconds, lane, tenant, START)


def busy_core() -> BatchingCore:
    """Calls of four rows take a second; one is under way and eight rows wait."""
    core, now = new_core(), START - 40.0
    for number in range(8):
        answered_after(core, submission(-1 - number, 4), lambda _: 1.0, now)
        now += 5.0
    for number in range(3):
        core.submit(submission(number, 4), START)
        core.fill_slots(START)
    return core


@pytest.mark.parametrize("patience", [0.5, 2.0, 3.1, 3.2, 3.25, 3.3, 3.35, 3.5, 9.0])
def test_a_look_says_what_one_row_would_hear(patience: float) -> None:
    core, twin = busy_core(), busy_core()
    error = looked_at(core, deadline_seconds=START + patience)
    told = rejected(twin.submit(submission(50, deadline_seconds=START + patience), START))
    assert (error is not None) == bool(told)
    assert core.queued_rows == 8, "nobody entered and nobody left"


def test_it_says_when_to_come_back() -> None:
    error = looked_at(busy_core(), deadline_seconds=START + 1.0)
    assert isinstance(error, Overloaded)
    assert error.retry_after_seconds == pytest.approx(2.0)


def test_what_is_turned_away_counts_as_refused() -> None:
    core = busy_core()
    looked_at(core, deadline_seconds=START + 1.0)
    (queue,) = core.explain(START).queues
    assert queue.shed["too_late"] == 1


def test_a_full_queue_turns_away_who_has_most_and_lets_the_others_in() -> None:
    core = new_core(*(submission(n, tenant="greedy") for n in range(10)), max_rows=10)
    assert isinstance(looked_at(core, tenant="greedy"), Overloaded)
    assert looked_at(core, tenant="modest") is None, "the greedy one's newest would have to go for it"
    assert isinstance(looked_at(core, tenant="modest", lane=Lane.BATCH), Overloaded), "they are more urgent"
    assert core.queued_rows == 10


def test_a_passed_deadline_and_a_backend_that_is_away_are_told() -> None:
    core = new_core(submission(1))
    assert isinstance(looked_at(core, deadline_seconds=START - 1.0), DeadlineExceeded)
    for asked in (START - 1.0, START):
        core.submit(submission(int(asked)), asked)
        (batch,) = batches(core.fill_slots(asked))
        core.batch_failed(batch.batch, BackendUnavailable("gone"), asked)
    assert isinstance(looked_at(core), BackendUnavailable)


def test_of_a_queue_nobody_used_nothing_is_known() -> None:
    assert looked_at(busy_core(), model="faces", deadline_seconds=START + 0.1) is None
