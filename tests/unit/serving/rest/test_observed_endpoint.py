"""What observers are told of requests over REST, with and without a task for each."""

import asyncio
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from serving.access.visitors import Visitors
from serving.backends.in_memory import Turn
from serving.contract.manifest import Manifest
from serving.errors import BackendUnavailable
from serving.observability.finished_requests import FinishedRequest, RequestObservers
from serving.observability.request_trace import CURRENT
from serving.observability.traced_batcher import TracedBatcher
from serving.observability.tracing import Traced, Tracing
from serving.rest.observed_endpoint import ObservedEndpoint
from serving.rest.predict_endpoint import PredictEndpoint
from serving.rest.rows_endpoint import RowsEndpoint
from tests.unit.serving.access.callers import Keys, caller
from tests.unit.serving.gateway_parts import GONE, Answer, answered, ask, ask_without_task, started_parts
from tests.unit.serving.observability.observed import Told

SAMPLED = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
Observe = Callable[..., list[FinishedRequest]]


class NoSink:
    def send(self, traced: Sequence[Traced]) -> None: ...

    def close(self) -> None: ...


@pytest.fixture(params=[ask, ask_without_task], ids=["task", "without_task"])
def observe(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    write_version: Callable[[Manifest], None],
    manifest_with: Callable[..., Manifest],
) -> Observe:
    """What is told of one request: its body, `of` path parameters, `turns` of the backend, and as `ask` has it."""
    write_version(manifest_with(version=1))

    async def observed(body: object, *, of: str = "doubles", turns: Sequence[Turn] = (), **given: Any) -> Told:
        told, tracing = Told(), Tracing(0.0, NoSink())
        parts = await started_parts(
            tmp_path / "models",
            turns=turns,
            observers=RequestObservers([told], tracing),
            batcher=functools.partial(TracedBatcher, tracing=tracing),
        )
        await request.param(parts.endpoint, body=body, path_params={"model": of}, **given)
        assert CURRENT.get() is None or request.param is ask
        return told

    return lambda body, **given: asyncio.run(observed(body, **given)).requests


def test_of_an_answer_everything_is_told(observe: Observe) -> None:
    (told,) = observe({"instances": [1, 2]}, headers={"x-request-id": "mine-7"})
    assert (told.request_id, told.protocol, told.model, told.version) == ("mine-7", "rest_v1", "doubles", "1")
    assert (told.code, told.rows, told.signature, told.trace) == (200, 2, "serving_default", None)
    assert told.receipt is not None
    split = (told.decode_seconds, told.receipt.queue_seconds, told.receipt.backend_seconds, told.encode_seconds)
    assert 0 < sum(part or 0.0 for part in split) <= told.total_seconds


@pytest.mark.parametrize(
    ("body", "code"), [({"instances": ["no number"]}, 400), (b"{", 400), ({"instances": [1], "x": 1}, 400)]
)
def test_of_a_refusal_there_is_no_more_than_its_code(observe: Observe, body: object, code: int) -> None:
    (told,) = observe(body)
    assert (told.code, told.rows, told.receipt, told.version) == (code, None, None, "")


def test_a_header_that_is_refused_is_told_of(observe: Observe) -> None:
    (told,) = observe({"instances": [1]}, headers={"x-priority": "highest", "traceparent": SAMPLED})
    assert told.code == 400
    assert told.trace is not None


def test_a_model_that_does_not_exist_has_no_name(observe: Observe) -> None:
    (told,) = observe({"instances": [1]}, of="secret-name")
    assert (told.code, told.model) == (404, "_unknown")


def test_what_the_backend_does_is_told(observe: Observe) -> None:
    (told,) = observe({"instances": [1]}, turns=[Turn(error=BackendUnavailable("gone"))])
    assert told.code == 503


def test_a_caller_who_goes_away_is_told_of(observe: Observe) -> None:
    (told,) = observe({"instances": [1]}, turns=[Turn(delay_seconds=3600)], then=GONE)
    assert told.code == 499


def test_a_callers_trace_is_taken_up_and_knows_its_batch(observe: Observe) -> None:
    (told,) = observe({"instances": [1]}, headers={"traceparent": SAMPLED, "tracestate": "a=1"})
    assert told.trace is not None
    assert told.trace.context.traceparent.startswith(SAMPLED[:36])
    assert f"{told.trace.parent_span_id:016x}" == SAMPLED[36:52]
    assert [batch.requests for batch in told.trace.batches] == [[told.trace]]


def test_of_a_stream_all_its_rows_are_told_and_its_trace_knows_every_batch(
    tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]
) -> None:
    write_version(manifest_with(version=1))
    told, tracing = Told(), Tracing(0.0, NoSink())

    async def asked() -> None:
        batcher = functools.partial(TracedBatcher, tracing=tracing)
        observers = RequestObservers([told], tracing)
        parts = await started_parts(tmp_path / "models", observers=observers, batcher=batcher)
        headers = {"content-type": "application/x-ndjson", "traceparent": SAMPLED}
        stream = RowsEndpoint(parts.endpoint, 2)
        await ask(stream, body=b"1\n2\n3\n", path_params={"model": "doubles"}, headers=headers)

    asyncio.run(asked())
    (request,) = told.requests
    assert (request.code, request.rows) == (200, 3)
    assert request.trace is not None
    assert sum(batch.rows for batch in request.trace.batches) == 3


def test_who_only_traces_is_told_of_nothing_else(tmp_path: Path) -> None:
    told = Told()

    class Tracer(Tracing):
        def finished(self, request: FinishedRequest) -> None:
            told.finished(request)

    async def asked() -> None:
        parts = await started_parts(tmp_path, observers=RequestObservers([], Tracer(0.0, NoSink())))
        for headers in ({}, {"traceparent": SAMPLED[:-2] + "00"}, {"traceparent": SAMPLED}):
            await ask(parts.endpoint, body={"instances": [1]}, path_params={"model": "doubles"}, headers=headers)

    asyncio.run(asked())
    assert [request.trace is None for request in told.requests] == [False]


def test_a_traced_request_that_is_refused_is_told_its_trace_too(tmp_path: Path) -> None:
    async def asked() -> Answer:
        parts = await started_parts(tmp_path, observers=RequestObservers([], Tracing(0.0, NoSink())))
        headers = {"traceparent": SAMPLED}
        return answered(await ask(parts.endpoint, body=b"{", path_params={"model": "none"}, headers=headers))

    answer = asyncio.run(asked())
    assert answer.status == 400
    assert answer.headers["traceresponse"].startswith(SAMPLED[:36])


def test_without_observers_there_is_no_observed_endpoint(tmp_path: Path) -> None:
    async def kinds() -> list[type]:
        made = []
        for observers in (None, RequestObservers([])):
            parts = await started_parts(tmp_path, observers=observers)
            made.append(type(parts.endpoint))
        return made

    assert asyncio.run(kinds()) == [PredictEndpoint, ObservedEndpoint]


def test_the_metrics_count_what_they_counted(tmp_path: Path) -> None:
    async def counted() -> list[dict[str, str]]:
        parts = await started_parts(tmp_path, observers=RequestObservers([Told()]))
        await ask(parts.endpoint, body={"instances": [1]}, path_params={"model": "doubles"})
        return parts.counted("penstock_requests_total")

    assert [labels["code"] for labels in asyncio.run(counted())] == ["503"]


def test_who_asked_is_told_by_name_and_nobody_who_was_not_let_in(
    tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]
) -> None:
    write_version(manifest_with(version=1))

    async def observed() -> list[str]:
        told, visitors = Told(), Visitors([Keys({b"secret": caller("shop")})])
        parts = await started_parts(tmp_path / "models", observers=RequestObservers([told]), visitors=visitors)
        for asking in (ask, ask_without_task):
            for key in ("secret", "another"):
                named, of = {"x-api-key": key}, {"model": "doubles"}
                await asking(parts.endpoint, body={"instances": [1]}, headers=named, path_params=of)
        return [request.caller for request in told.requests]

    assert asyncio.run(observed()) == ["shop", "", "shop", ""]
