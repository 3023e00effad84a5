"""Streams of rows wait for their caller's allowance, and fail only where it does not come in time."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from serving.access.caller import Quota
from serving.access.visitors import Visitors
from serving.contract.manifest import Manifest
from serving.rest.rows_endpoint import RowsEndpoint
from tests.unit.serving.access.callers import Keys, caller
from tests.unit.serving.gateway_parts import Answer, answered, ask, started_parts

NDJSON = {"content-type": "application/x-ndjson", "x-api-key": "key"}
Stream = Callable[..., Answer]


@pytest.fixture
def stream(tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]) -> Stream:
    write_version(manifest_with(version=1))

    async def run(rows: int, rate: float, clock: Callable[[], float]) -> Answer:
        keys = Keys({b"key": caller(quota=Quota(rows_per_second=rate))})
        visitors = Visitors([keys], clock=clock)
        parts = await started_parts(tmp_path / "models", max_body_bytes=100_000, visitors=visitors)
        endpoint = RowsEndpoint(parts.endpoint, 4)
        body = b'{"x": 1}\n' * rows
        return answered(await ask(endpoint, body=body, headers=NDJSON, path_params={"model": "doubles"}))

    return lambda *given: asyncio.run(run(*given))


def test_more_rows_than_the_allowance_holds_are_all_answered(stream: Stream) -> None:
    answer = stream(420, 400.0, time.monotonic)
    assert answer.status == 200
    assert answer.body.count(b"\n") == 420
    assert b"QuotaExceeded" not in answer.body


def test_an_allowance_that_never_comes_ends_the_stream_with_its_reason(stream: Stream) -> None:
    answer = stream(12, 0.1, lambda: 0.0)
    assert answer.status == 200
    assert b'"code":"QuotaExceeded"' in answer.body.splitlines()[-1]
