"""Which requests get a line, and what it says."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from serving.observability.access_log import PIPE_BYTES, AccessLog, fields_of, pieces
from serving.observability.finished_requests import FinishedRequest
from serving.observability.log_lines import Style
from tests.unit.serving.observability.observed import refused, request, traced


def lines_of(
    *requests: FinishedRequest, share: float = 1.0, chance: Callable[[], float] = lambda: 0.5, style: Style = "json"
) -> list[str]:
    written: list[bytes] = []
    log = AccessLog(share, style, chance, written.append, process="worker 0", wall=lambda: 1_800_000_000.0)
    for each in requests:
        log.finished(each)
    log.outbox.start()
    log.outbox.close()
    return b"".join(written).decode().splitlines()


def test_a_line_says_who_asked_what_and_where_the_time_went() -> None:
    told = request(trace=traced(5))
    assert json.loads(lines_of(told)[0]) == {
        "time": "2027-01-15T08:01:40.010Z",
        "level": "info",
        "event": "request",
        "process": "worker 0",
        "request_id": "mine-7",
        "protocol": "rest_v1",
        "model": "doubles",
        "version": "2",
        "signature": "serving_default",
        "code": 200,
        "rows": 3,
        "duration_ms": 10.0,
        "decode_ms": 1.0,
        "queue_ms": 2.0,
        "backend_ms": 6.0,
        "batch_rows": 8,
        "encode_ms": 0.5,
        "trace_id": f"{7:032x}",
    }


def test_a_line_for_people_has_the_same_facts() -> None:
    (line,) = lines_of(request(), style="text")
    assert line.startswith("2027-01-15T08:01:40.010Z INFO worker 0 request request_id=mine-7 protocol=rest_v1")
    assert "backend_ms=6.000" in line


def test_what_a_request_never_came_to_is_left_out() -> None:
    fields = fields_of(refused(404), 0.0)
    assert fields.keys() == {"time", "level", "event", "request_id", "protocol", "model", "code", "duration_ms"}


@pytest.mark.parametrize(("drawn", "lines"), [(0.24, 2), (0.26, 1)])
def test_of_what_went_well_a_share_gets_a_line_and_of_what_failed_everything(drawn: float, lines: int) -> None:
    assert len(lines_of(request(), refused(503), share=0.25, chance=lambda: drawn)) == lines


def test_with_a_share_of_nothing_only_failures_get_a_line() -> None:
    found = lines_of(request(), refused("INVALID_ARGUMENT"), request(code="OK"), share=0.0, chance=lambda: 0.0)
    assert [json.loads(line)["code"] for line in found] == ["INVALID_ARGUMENT"]


@pytest.mark.parametrize(
    ("code", "level"),
    [(200, "info"), ("OK", "info"), (400, "warning"), (499, "warning"), (503, "error"),
     ("NOT_FOUND", "warning"), ("UNAVAILABLE", "error")],
)  # fmt: skip
def test_the_level_tells_the_callers_faults_from_ours(code: Any, level: str) -> None:
    assert fields_of(request(code=code), 0.0)["level"] == level


def test_lines_are_written_whole_and_no_piece_is_larger_than_a_pipe_takes() -> None:
    lines = ["x" * size for size in (1500, 1500, 1500, 9000, 10)]
    written = list(pieces(lines))
    assert b"".join(written).decode().splitlines() == lines
    assert [len(piece) <= PIPE_BYTES for piece in written] == [True, True, False, True]


def test_a_name_that_no_encoding_has_still_gets_its_line() -> None:
    assert list(pieces(["caf\udce9"])) == [b"caf\\udce9\n"]
