from dataclasses import replace

import numpy as np
import pytest

from loadtests.open_loop import Load
from loadtests.open_loop_tally import Judge
from loadtests.open_loop_workers import Order, shared
from loadtests.wire import WireRequest


def order(*, requests: int, arrivals: int, connections: int) -> Order:
    turns = [WireRequest(str(place).encode()) for place in range(requests)]
    due = np.arange(arrivals, dtype=np.float64)
    return Order("rest", "http://here", Load(turns, due, connections, 1.0), Judge(tuple(range(200, 200 + requests))))


def asked(part: Order) -> list[tuple[float, bytes, int]]:
    """Moment, request and wanted status, as a process takes them in turn."""
    load, wanted = part.load, part.judge.wanted
    return [
        (moment, load.requests[place % len(load.requests)].content, wanted[place % len(wanted)])
        for place, moment in enumerate(load.due.tolist())
    ]


@pytest.mark.parametrize(("requests", "processes"), [(1, 3), (4, 2), (5, 3), (6, 4)])
def test_processes_ask_together_what_one_would_have_asked(requests: int, processes: int) -> None:
    whole = order(requests=requests, arrivals=23, connections=10)
    parts = shared(whole, processes)
    assert sorted(each for part in parts for each in asked(part)) == asked(whole)
    assert sum(part.load.connections for part in parts) == 10


@pytest.mark.parametrize(("arrivals", "connections", "expected"), [(2, 10, 2), (9, 3, 3), (0, 5, 1)])
def test_no_process_is_without_a_request_or_a_connection(arrivals: int, connections: int, expected: int) -> None:
    parts = shared(order(requests=1, arrivals=arrivals, connections=connections), 8)
    assert len(parts) == expected
    assert all(part.load.connections for part in parts)


def test_every_part_presents_the_key_and_no_text_of_it_shows_one() -> None:
    whole = replace(order(requests=1, arrivals=4, connections=4), metadata=(("x-api-key", "psk_secret"),))
    assert {part.metadata for part in shared(whole, 2)} == {whole.metadata}
    assert "psk_secret" not in repr(whole)
