"""Chunks asked about by threads. Order is forced by events, never by time."""

import threading
from collections.abc import Iterator

import pytest
from penstock_client.bulk_cutting import Chunk
from penstock_client.bulk_threads import answers_in_order

SECONDS = 10.0
"""A bound on waiting for an event."""


def chunks(count: int) -> Iterator[Chunk]:
    return (Chunk(index, index, [index]) for index in range(count))


def test_answers_keep_the_order_of_the_chunks() -> None:
    second_is_done = threading.Event()

    def ask(chunk: Chunk) -> int:
        if chunk.index == 0:
            assert second_is_done.wait(SECONDS)
        if chunk.index == 1:
            second_is_done.set()
        return chunk.index

    assert list(answers_in_order(ask, chunks(20), 2)) == list(range(20))


def test_as_many_are_under_way_as_asked_for() -> None:
    together = threading.Barrier(3)

    def ask(chunk: Chunk) -> int:
        together.wait(SECONDS)
        return chunk.index

    assert list(answers_in_order(ask, chunks(6), 3)) == list(range(6))


def test_the_first_error_in_order_is_raised_after_the_answers_before_it() -> None:
    asked = []

    def ask(chunk: Chunk) -> int:
        asked.append(chunk.index)
        if chunk.index >= 2:
            raise KeyError(chunk.index)
        return chunk.index

    answers = answers_in_order(ask, chunks(1000), 2)
    assert [next(answers), next(answers)] == [0, 1]
    with pytest.raises(KeyError, match="2"):
        next(answers)
    assert len(asked) < 20


def test_an_error_of_the_source_is_the_callers() -> None:
    def broken() -> Iterator[Chunk]:
        yield from chunks(1)
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        list(answers_in_order(lambda chunk: chunk.index, broken(), 2))


def test_threads_end_with_the_call() -> None:
    before = set(threading.enumerate())
    answers = answers_in_order(lambda chunk: chunk.index, chunks(50), 3)
    assert next(answers) == 0
    started = set(threading.enumerate()) - before
    answers.close()
    assert len(started) == 3
    for thread in started:
        thread.join(SECONDS)
        assert not thread.is_alive()


def test_chunks_that_wait_when_the_call_ends_are_asked_by_nobody() -> None:
    asked = []
    let_go = threading.Event()

    def ask(chunk: Chunk) -> int:
        asked.append(chunk.index)
        if chunk.index:
            assert let_go.wait(SECONDS)
        return chunk.index

    before = set(threading.enumerate())
    answers = answers_in_order(ask, chunks(50), 2)
    assert next(answers) == 0
    started = set(threading.enumerate()) - before
    answers.close()
    let_go.set()
    for thread in started:
        thread.join(SECONDS)
        assert not thread.is_alive()
    assert len(asked) <= 3
