"""The queue between the event loop and the thread that writes: what is lost, what is not, and what is counted."""

import logging
import threading
from collections.abc import Sequence

import pytest

from serving.observability.outbox import Outbox

SECONDS = 10.0


class Paper:
    """Keeps what is written; writing waits while `gate` is shut, and fails while `broken`."""

    def __init__(self) -> None:
        self.written: list[int] = []
        self.slices: list[int] = []
        self.gate, self.begun = threading.Event(), threading.Event()
        self.gate.set()
        self.broken = False

    def write(self, items: Sequence[int]) -> None:
        self.begun.set()
        assert self.gate.wait(SECONDS)
        if self.broken:
            raise OSError("no space left")
        self.slices.append(len(items))
        self.written += items


def test_everything_offered_is_written_in_order_and_in_slices_by_the_time_it_is_closed() -> None:
    paper = Paper()
    outbox = Outbox("lines", paper.write, most_items=100, slice_items=30)
    for number in range(70):
        outbox.offer(number)
    outbox.start()
    outbox.close()
    assert (paper.written, paper.slices, outbox.dropped) == (list(range(70)), [30, 30, 10], 0)


def test_what_finds_no_room_is_lost_and_counted() -> None:
    paper = Paper()
    outbox = Outbox("lines", paper.write, most_items=3)
    for number in range(5):
        outbox.offer(number)
    assert outbox.dropped == 2
    outbox.start()
    outbox.close()
    assert (paper.written, outbox.dropped) == ([0, 1, 2], 2)


def test_bytes_find_no_room_until_those_before_them_are_written() -> None:
    paper = Paper()
    paper.gate.clear()
    outbox = Outbox("rows", paper.write, most_items=100, most_bytes=10)
    outbox.offer(1, 10)
    outbox.offer(2, 1)
    assert outbox.dropped == 1
    outbox.start()
    assert paper.begun.wait(SECONDS)
    outbox.offer(3, 1)
    assert outbox.dropped == 2
    paper.gate.set()
    outbox.close()
    outbox.offer(4, 1)
    assert (paper.written, outbox.dropped) == ([1], 2)


def test_a_slice_that_cannot_be_written_is_counted_said_once_and_ends_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    paper = Paper()
    paper.broken = True
    outbox = Outbox("lines", paper.write, most_items=100, slice_items=2)
    for number in range(6):
        outbox.offer(number)
    with caplog.at_level(logging.WARNING):
        outbox.start()
        outbox.close()
    assert (paper.written, outbox.dropped) == ([], 6)
    assert [record.getMessage() for record in caplog.records] == [
        "lines cannot be written, and is dropped: no space left"
    ]


def test_what_is_done_by_time_is_done_without_any_item() -> None:
    looked = threading.Event()
    outbox = Outbox("lines", Paper().write, most_items=1, idle=looked.set)
    outbox.start()
    assert looked.wait(SECONDS)
    outbox.close()


def test_one_that_never_started_closes_at_once() -> None:
    Outbox("lines", Paper().write, most_items=1).close()
