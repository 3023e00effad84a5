"""Requests and cores in miniature, and what the tests of batching read from a core's actions."""

import functools
from collections.abc import Callable, Sequence

from serving.backend_protocol import Target
from serving.batching.admission import QueueLimits
from serving.batching.events import Action, BatchRules, Complete, Lane, QueueKey, Reject, SendBatch, Submission
from serving.batching.policy import BatchingCore

LATER = 1_000_000.0
"""A deadline that no test reaches."""


@functools.cache
def key_of(model: str, allowed_batch_rows: tuple[int, ...] = (), max_wait_seconds: float = 0.0) -> QueueKey:
    rules = BatchRules(allowed_batch_rows, max_wait_seconds=max_wait_seconds)
    return QueueKey(Target(model, 1, "serving_default"), (("x", "<f4", (2,)),), rules)


def submission(
    request: int,
    rows: int = 1,
    *,
    model: str = "digits",
    nbytes: int = 0,
    deadline_seconds: float = LATER,
    allowed_batch_rows: tuple[int, ...] = (),
    max_wait_seconds: float = 0.0,
    lane: Lane = Lane.NORMAL,
    tenant: str = "",
) -> Submission:
    key = key_of(model, allowed_batch_rows, max_wait_seconds)
    return Submission(request, key, rows, nbytes, deadline_seconds, lane, tenant)


def new_core(
    *waiting: Submission, max_batch_rows: int = 4, slots: int = 1, max_rows: int = 10**6, max_bytes: int = 10**9
) -> BatchingCore:
    """A core in which `waiting` were submitted at time 0."""
    core = BatchingCore(max_batch_rows=max_batch_rows, slots=slots, limits=QueueLimits(max_rows, max_bytes))
    for one in waiting:
        assert core.submit(one, 0.0) == []
    return core


def answered_after(core: BatchingCore, one: Submission, seconds: Callable[[int], float], now: float) -> None:
    """Submit a request to an idle core and let its batches be answered, each after `seconds` of its rows."""
    assert core.submit(one, now) == []
    while flying := batches(core.fill_slots(now)):
        for batch in flying:
            now += seconds(batch.padded_rows)
            core.batch_done(batch.batch, now)


def sent(actions: Sequence[Action]) -> list[list[tuple[int, int]]]:
    """Each batch as its members' (request, rows), in order."""
    return [[(part.request, part.rows) for part in batch.slices] for batch in batches(actions)]


def batches(actions: Sequence[Action]) -> list[SendBatch]:
    return [action for action in actions if isinstance(action, SendBatch)]


def completed(actions: Sequence[Action]) -> list[int]:
    return [action.request for action in actions if isinstance(action, Complete)]


def rejected(actions: Sequence[Action]) -> list[tuple[int, str]]:
    """Each rejected request with its error's name."""
    return [(action.request, type(action.error).__name__) for action in actions if isinstance(action, Reject)]
