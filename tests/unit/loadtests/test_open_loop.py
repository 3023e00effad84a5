import asyncio
import gc
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from loadtests.http_connection import HttpOpener
from loadtests.open_loop import LATE_SECONDS, Load, OpenLoopRun, run_load, run_open_loop
from loadtests.wire import NO_ANSWER, WireRequest

ASK = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"
OK, BUSY = (b"HTTP/1.1 %d x\r\nContent-Length: 2\r\n\r\n{}" % status for status in (200, 503))
Answer = Callable[[], bytes]
"""What a server sends for one request; nothing closes the connection."""


@contextmanager
def server(answer: Answer) -> Iterator[int]:
    """The port of a server that calls `answer` for each request, every connection in a thread of its own."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while self.request.recv(len(ASK)):
                content = answer()
                if not content:
                    return
                self.request.sendall(content)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 64

    with Server(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
        yield listening.server_address[1]
        listening.shutdown()


def ask(answer: Answer, requests: int, *, connections: int, patience_seconds: float = 30.0) -> OpenLoopRun:
    due = np.arange(requests, dtype=np.float64) * 0.002
    with server(answer) as port:
        return run_open_loop(port, [ASK], due, connections=connections, patience_seconds=patience_seconds)


def test_every_request_is_answered_once_and_none_before_it_is_due() -> None:
    run = ask(lambda: OK, 20, connections=4)
    assert run.status.tolist() == [200] * 20
    assert np.all(run.sent >= run.due)
    assert np.all(run.ended > run.sent)
    assert np.all(run.latency_seconds >= run.ended - run.sent)


def test_requests_are_sent_though_none_before_them_was_answered() -> None:
    together = threading.Barrier(8)

    def answer_when_all_are_there() -> bytes:
        together.wait(timeout=30)
        return OK

    run = ask(answer_when_all_are_there, 8, connections=8)
    assert run.status.tolist() == [200] * 8


def test_refusals_have_their_status() -> None:
    turns = iter([OK, BUSY, OK])
    assert sorted(ask(lambda: next(turns), 3, connections=1).status.tolist()) == [200, 200, 503]


def test_a_broken_connection_is_no_answer_and_is_replaced() -> None:
    turns = iter([b"", OK])
    assert sorted(ask(lambda: next(turns), 2, connections=1).status.tolist()) == [NO_ANSWER, 200]


def test_a_connection_that_the_server_ends_after_its_answer_is_replaced() -> None:
    last = OK.replace(b"Content", b"Connection: close\r\nContent")
    run = ask(lambda: last, 3, connections=1)
    assert run.status.tolist() == [200] * 3


def test_the_wait_for_a_free_connection_is_latency_and_no_lateness_of_the_generators() -> None:
    frozen = threading.Event()
    turns = iter([0.2, 0.0, 0.0])

    def answer_the_first_late() -> bytes:
        frozen.wait(next(turns))
        return OK

    run = ask(answer_the_first_late, 3, connections=1)
    assert run.status.tolist() == [200] * 3
    assert np.all(run.latency_seconds > 0.19)
    assert np.all(run.sent[1:] - run.reached[1:] > 0.1)


def test_an_answer_that_cannot_be_read_is_no_answer_and_has_its_reason() -> None:
    turns = iter([b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", OK])
    run = ask(lambda: next(turns), 2, connections=1)
    assert sorted(run.status.tolist()) == [NO_ANSWER, 200]
    assert run.losses == {"an answer without a Content-Length": 1}


def test_the_wait_for_answers_ends() -> None:
    never = threading.Event()
    run = ask(lambda: (never.wait(30) and b"") or b"", 1, connections=1, patience_seconds=0.05)
    never.set()
    assert run.status.tolist() == [NO_ANSWER]
    assert np.isnan(run.latency_seconds).all()


def test_what_was_frozen_before_a_load_stays_frozen() -> None:
    gc.freeze()
    frozen = gc.get_freeze_count()
    ask(lambda: OK, 1, connections=1)
    assert gc.get_freeze_count() > frozen / 2, "some of it may be freed meanwhile, but not most"


def made_run(lateness: list[float]) -> OpenLoopRun:
    due = np.arange(float(len(lateness)))
    sent = due + lateness
    return OpenLoopRun(due, sent, sent, sent + 0.001, np.full(len(due), 200, np.int16))


def test_latency_counts_from_the_due_moment() -> None:
    assert made_run([0.0, 0.5]).latency_seconds.tolist() == pytest.approx([0.001, 0.501])


@pytest.mark.parametrize(("late", "valid"), [(0, True), (1, True), (2, False)])
def test_a_run_is_valid_while_no_more_than_one_in_a_hundred_is_late(late: int, valid: bool) -> None:  # noqa: FBT001
    run = made_run([LATE_SECONDS * 2] * late + [LATE_SECONDS / 2] * (100 - late))
    assert run.late_share == late / 100
    assert run.is_valid is valid


def test_what_was_never_sent_is_late() -> None:
    assert made_run([float("nan")] * 5 + [0.0] * 5).late_share == 0.5


def test_once_there_is_enough_nothing_more_is_sent_and_what_was_is_waited_for() -> None:
    heard: dict[int, bytes] = {}

    async def ask_until_the_third() -> OpenLoopRun:
        enough = asyncio.Event()

        def hear(number: int, received: bytes) -> None:
            heard[number] = received
            if number == 2:
                enough.set()

        load = Load([WireRequest(ASK)], np.arange(0.0, 50.0, 0.01), 2, 30.0)
        with server(lambda: OK) as port:
            return await run_load(HttpOpener("127.0.0.1", port, hear), load, enough=enough)

    run = asyncio.run(ask_until_the_third())
    assert 3 <= len(run.due) < 5000
    assert run.status.tolist() == [200] * len(run.due)
    assert heard == dict.fromkeys(range(len(run.due)), OK)
