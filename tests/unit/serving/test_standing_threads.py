"""Threads that are there from the start."""

import threading

import pytest

from serving.standing_threads import are_to_be_had, standing_pool
from tests.threads import no_more_threads

THREADS, BOUND_SECONDS = 4, 30.0


def test_a_standing_pool_works_at_full_width_when_no_thread_can_be_made_any_more() -> None:
    begun: list[int] = []
    with standing_pool(THREADS, "standing", lambda: begun.append(threading.get_ident())) as pool, no_more_threads():
        together = threading.Barrier(THREADS)
        works = [pool.submit(together.wait, BOUND_SECONDS) for _ in range(THREADS)]
        assert {work.result(BOUND_SECONDS) for work in works} == set(range(THREADS))
    assert len(set(begun)) == THREADS


def test_a_pool_that_cannot_have_its_threads_says_so_and_leaves_none_waiting() -> None:
    before = threading.active_count()
    with no_more_threads(), pytest.raises(RuntimeError, match="can't start new thread"):
        standing_pool(THREADS, "standing")
    assert threading.active_count() == before


def test_threads_are_to_be_had_until_none_may_be_made() -> None:
    before = threading.active_count()
    assert are_to_be_had(THREADS)
    with no_more_threads():
        assert not are_to_be_had(1)
    assert threading.active_count() == before
