"""Streams of rows driven as the ASGI callable they are: pieces in, lines out, errors by their row."""

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message

from serving.backends.in_memory import Turn
from serving.contract.features import CategoryFeature, Feature, ImageFeature, NumberFeature
from serving.contract.manifest import Manifest
from serving.errors import BackendRejected
from serving.rest.row_batches import rows_per_batch
from serving.rest.rows_endpoint import RowsEndpoint
from tests.unit.serving.gateway_parts import GONE, Answer, Parts, started_parts

ROWS = 4
"""Of a batch in these tests."""
NDJSON, CSV = "application/x-ndjson", "text/csv"

NOTHING: Message = {"type": "nothing"}
"""The client neither sends on nor goes."""


async def post(
    parts: Parts, pieces: Sequence[bytes], headers: dict[str, str], *, then: Message | None = None
) -> Answer | None:
    coming: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    if then is not NOTHING:
        coming.append(then or {"type": "http.request", "body": b""})
    sent: list[Message] = []

    async def receive() -> Message:
        return coming.pop(0) if coming else await asyncio.get_running_loop().create_future()

    async def send(message: Message) -> None:
        sent.append(message)

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "headers": named, "path_params": {"model": "doubles"}}
    await RowsEndpoint(parts.endpoint, ROWS)(scope, receive, send)
    if not sent:
        return None
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    assert not sent[-1].get("more_body", False)
    return Answer(sent[0]["status"], answered, b"".join(message.get("body", b"") for message in sent[1:]))


Stream = Callable[..., Answer]


@pytest.fixture
def stream(tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]) -> Stream:
    write_version(manifest_with(features=(NumberFeature(name="x", range=(0, 1000)),)))

    async def run(pieces: Sequence[bytes], headers: dict[str, str], turns: Iterable[Turn]) -> Answer:
        parts = await started_parts(tmp_path / "models", turns=turns, max_queue_rows=8)
        found = await post(parts, pieces, headers)
        assert found
        return found

    def call(*pieces: bytes, kind: str = NDJSON, turns: Iterable[Turn] = (), **headers: str) -> Answer:
        return asyncio.run(run(pieces, {"content_type": kind, **headers}, turns))

    return call


def lines(answer: Answer) -> list[Any]:
    return [json.loads(line) for line in answer.body.splitlines()]


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_rows_are_answered_in_order_however_they_are_cut(stream: Stream, size: int) -> None:
    numbers = b"".join(b"%d\n" % row for row in range(23))
    answer = stream(*(numbers[at : at + size] for at in range(0, len(numbers), size)))
    assert (answer.status, answer.headers["content-type"], answer.headers["x-model-version"]) == (200, NDJSON, "1")
    assert lines(answer) == [[2.0 * row] for row in range(23)]


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_csv_has_a_header_and_may_lack_its_last_line_end(stream: Stream, size: int) -> None:
    body = b"\xef\xbb\xbfx\r\n" + b"\r\n".join(b'"%d"' % row for row in range(9))
    answer = stream(*(body[at : at + size] for at in range(0, len(body), size)), kind=CSV)
    assert lines(answer) == [[2.0 * row] for row in range(9)]


def test_the_answer_is_csv_for_who_accepts_that(stream: Stream) -> None:
    answer = stream(b"x\n1\n2.5\n", kind=CSV, accept="text/csv")
    assert (answer.headers["content-type"], answer.body) == ("text/csv", b"value\n2.0\n5.0\n")


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (NDJSON, b"", (400, "InvalidInput", None)),
        (NDJSON, b"\n \n", (400, "InvalidInput", None)),
        (NDJSON, b"1\n2\n{\n4\n", (400, "InvalidInput", "/rows/2")),
        (NDJSON, b'1\n\n"a"\n', (400, "WrongDtype", "/rows/1")),
        (NDJSON, b'{"y": 1}\n', (400, "UnknownField", "/rows/0/y")),
        (NDJSON, b"1" * 1001, (413, "PayloadTooLarge", None)),
        (CSV, b"", (400, "InvalidInput", None)),
        (CSV, b"x\n", (400, "InvalidInput", None)),
        (CSV, b"y\n1\n", (400, "UnknownField", "/header/y")),
        (CSV, b"x,x\n1,1\n", (400, "InvalidInput", "/header/x")),
        (CSV, b"x\n1\n2,3\n", (400, "WrongShape", "/rows/1")),
        (CSV, b"x\n1\ntwo\n", (400, "WrongDtype", "/rows/1/x")),
        (CSV, b"x\n1\nnan\n", (400, "OutOfRange", "/rows/1/x")),
        (CSV, b'x\n1\n""\n', (400, "MissingField", "/rows/1/x")),
        (CSV, b"x\n1\n1001\n", (400, "OutOfRange", "/rows/1/x")),
        (CSV, b"x\n\xff\n", (400, "InvalidInput", None)),
        (CSV, b'x\n"1"2\n', (400, "InvalidInput", None)),
    ],
)
def test_what_is_wrong_before_the_answer_begins_is_a_plain_error(
    stream: Stream, kind: str, body: bytes, expected: tuple[int, str, str | None]
) -> None:
    answer = stream(body, kind=kind)
    assert (answer.status, answer.json["code"], answer.json.get("field")) == expected


@pytest.mark.parametrize("place", [ROWS, ROWS + 1, 3 * ROWS - 1, 5 * ROWS])
def test_a_wrong_row_ends_the_stream_with_its_number_after_the_rows_before_it(stream: Stream, place: int) -> None:
    rows = [b"%d\n" % row for row in range(6 * ROWS)]
    rows[place] = b'"wrong"\n'
    *before, last = lines(stream(b"".join(rows)))
    assert before == [[2.0 * row] for row in range(place)]
    assert (last["code"], last["field"]) == ("WrongDtype", f"/rows/{place}")
    assert last["request_id"]


def test_a_body_that_cannot_be_read_on_ends_the_stream_after_what_came(stream: Stream) -> None:
    *before, last = lines(stream(b"1\n" * ROWS * 2, b"1" * 2000))
    assert (len(before), last["code"], last["field"]) == (2 * ROWS, "PayloadTooLarge", f"/rows/{2 * ROWS}")


def test_a_failure_of_the_model_names_the_first_row_without_an_answer(stream: Stream) -> None:
    turns = [Turn(), Turn(error=BackendRejected("it cannot be run"))]
    answer = stream(b"x\n" + b"1\n" * 3 * ROWS, kind=CSV, accept="text/csv", turns=turns)
    head, *rows, last = answer.body.splitlines()
    assert (head, rows) == (b"value", [b"2.0"] * ROWS)
    assert last.startswith(b"# ")
    assert json.loads(last[2:])["field"] == f"/rows/{ROWS}"


def test_the_deadline_counts_for_a_batch(stream: Stream) -> None:
    answer = stream(b"1\n" * 9, turns=[Turn(), Turn(delay_seconds=3600)], x_request_timeout_ms="50")
    *before, last = lines(answer)
    assert (before, last["code"]) == ([[2.0]] * ROWS, "DeadlineExceeded")


def test_a_client_that_leaves_is_given_up_and_counted(
    tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]
) -> None:
    write_version(manifest_with())

    async def run() -> tuple[Answer | None, list[str]]:
        parts = await started_parts(tmp_path / "models")
        answer = await post(parts, [b"1\n"], {"content_type": NDJSON}, then=GONE)
        return answer, [labels["code"] for labels in parts.counted("penstock_requests_total")]

    assert asyncio.run(run()) == (None, ["499"])


def test_other_forms_are_answered_as_ever(stream: Stream) -> None:
    assert stream(b'{"instances": [1]}', kind="application/json").json == {"predictions": [[2.0]]}


@pytest.mark.parametrize(
    ("features", "rows"),
    [
        ((NumberFeature(name="x"),), 256),
        ((CategoryFeature(name="x"), NumberFeature(name="y")), 256),
        ((ImageFeature(name="x", shape=(8, 8)),), 64),
        ((ImageFeature(name="x", shape=(224, 224, 3)),), 6),
        ((ImageFeature(name="x", shape=(4000, 4000, 3)),), 1),
    ],
)
def test_large_rows_make_small_batches(features: Sequence[Feature], rows: int) -> None:
    assert rows_per_batch(features, 256) == rows


def test_a_client_that_does_not_send_on_is_told_so(
    tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]
) -> None:
    write_version(manifest_with())

    async def run() -> Answer | None:
        parts = await started_parts(tmp_path / "models")
        headers = {"content_type": NDJSON, "x_request_timeout_ms": "20"}
        return await post(parts, [b"1\n"], headers, then=NOTHING)

    answer = asyncio.run(run())
    assert answer
    assert (answer.status, answer.json["code"]) == (504, "DeadlineExceeded")
