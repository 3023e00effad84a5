"""Requests and batches that are traced, noted while they are under way."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from serving.backend_protocol import Arrays, Backend, Target
from serving.batching.admission import QueueLimits
from serving.batching.events import Lane, QueueKey, layout_of
from serving.batching.policy import BatchingCore
from serving.batching.waiting import Answer
from serving.contract.tensors import Array
from serving.errors import BackendUnavailable, DeadlineExceeded, Overloaded, PenstockError
from serving.observability.request_trace import CURRENT, BatchTrace, RequestTrace, outgoing_metadata
from serving.observability.trace_context import TraceContext
from serving.observability.traced_batcher import TracedBatcher
from serving.observability.tracing import Traced, Tracing
from tests.unit.serving.batching.batcher_parts import DIGITS, GatedBackend, Tally
from tests.unit.serving.batching.event_loop import on_event_loop


class Sink:
    def __init__(self) -> None:
        self.sent: list[Traced] = []

    def send(self, traced: Sequence[Traced]) -> None:
        self.sent += traced

    def close(self) -> None: ...


class Desk:
    def __init__(self, backend: Backend, max_queue_rows: int = 100) -> None:
        self.sink = Sink()
        self.tracing = Tracing(1.0, self.sink)
        core = BatchingCore(max_batch_rows=4, slots=1, limits=QueueLimits(max_queue_rows, 10_000))
        self.batcher = TracedBatcher(backend, core, Tally(), tracing=self.tracing)

    async def ask(self, first: int, trace: RequestTrace | None = None, rows: int = 1) -> None:
        CURRENT.set(trace)  # of this task alone
        inputs = {"ids": np.arange(first, first + rows)}
        deadline = self.batcher.clock() + 100.0
        await self.batcher.predict(QueueKey(DIGITS, layout_of(inputs)), inputs, deadline)

    async def begin(self, trace: RequestTrace, patience_seconds: float) -> object:
        """What is told of a request that nobody awaits, as a server has it that makes no task for each."""
        told: asyncio.Future[object] = asyncio.get_running_loop().create_future()

        class Waiter:
            def done(self) -> bool:
                return told.done()

            def set_result(self, answer: Answer) -> None:
                told.set_result(answer)

            def set_exception(self, error: PenstockError) -> None:
                told.set_result(error)

        CURRENT.set(trace)
        inputs = {"ids": np.arange(1)}
        deadline = self.batcher.clock() + patience_seconds
        key = QueueKey(DIGITS, layout_of(inputs))
        self.batcher.submit(key, inputs, deadline, Waiter(), lane=Lane.NORMAL, tenant="")
        CURRENT.set(None)
        return await told

    def batches(self) -> list[BatchTrace]:
        self.tracing.outbox.start()
        self.tracing.outbox.close()
        return [each for each in self.sink.sent if isinstance(each, BatchTrace)]


def trace(number: int) -> RequestTrace:
    return RequestTrace(TraceContext(number, number, is_sampled=True), None)


@on_event_loop
async def test_a_batch_knows_the_traced_among_its_requests_and_they_know_it() -> None:
    desk = Desk(open_gate())
    one, two = trace(1), trace(2)
    await asyncio.gather(desk.ask(0, one), desk.ask(1), desk.ask(2, two))
    (batch,) = desk.batches()
    assert (batch.requests, batch.parent, batch.rows) == ([one, two], one, 3)
    assert batch.context.trace_id == 1
    assert one.batches == two.batches == [batch]
    assert one.queued_seconds is not None
    assert one.queued_seconds <= batch.sent_seconds <= batch.ended_seconds


@on_event_loop
async def test_a_request_cut_over_batches_is_in_each() -> None:
    desk = Desk(open_gate())
    one = trace(1)
    await desk.ask(0, one, rows=7)
    assert [batch.rows for batch in desk.batches()] == [4, 3]
    assert len(one.batches) == 2


@on_event_loop
async def test_without_a_traced_request_nothing_is_noted() -> None:
    desk = Desk(open_gate())
    await asyncio.gather(*(desk.ask(number) for number in range(3)))
    assert desk.batches() == []


@on_event_loop
async def test_a_call_is_made_under_its_own_span_and_only_such_a_call() -> None:
    told: list[object] = []

    class Listening(GatedBackend):
        async def predict(self, target: Target, inputs: Arrays, deadline_seconds: float) -> dict[str, Array]:
            told.append(outgoing_metadata())
            return await super().predict(target, inputs, deadline_seconds)

    backend = Listening()
    backend.gate.set()
    desk = Desk(backend)
    await desk.ask(0, trace(1))
    await desk.ask(1)
    (batch,) = desk.batches()
    assert told == [(("traceparent", batch.context.traceparent),), None]


@on_event_loop
async def test_a_call_that_fails_says_how() -> None:
    backend = open_gate()
    backend.fault = BackendUnavailable("gone")
    desk = Desk(backend)
    with pytest.raises(BackendUnavailable):
        await desk.ask(0, trace(1))
    assert [batch.error for batch in desk.batches()] == ["BackendUnavailable"]


@on_event_loop
async def test_nothing_is_remembered_of_requests_that_are_over() -> None:
    backend = GatedBackend()
    desk = Desk(backend, max_queue_rows=4)
    asked = [asyncio.create_task(desk.ask(number, trace(number + 1))) for number in range(2)]
    await backend.started.acquire()
    with pytest.raises(Overloaded):
        await asyncio.gather(*(desk.ask(number, trace(9)) for number in range(8)))
    asked[0].cancel()
    backend.gate.set()
    await asyncio.gather(*asked, return_exceptions=True)
    await desk.batcher.close()
    assert desk.batcher.under_way == (0, 0)


@on_event_loop
async def test_those_whose_time_was_over_in_the_queue_are_forgotten_when_more_come() -> None:
    backend = GatedBackend()
    desk = Desk(backend)
    desk.batcher.most_remembered = 2
    first = asyncio.create_task(desk.ask(0, trace(1)))
    await backend.started.acquire()
    for number in range(4):
        assert isinstance(await desk.begin(trace(number + 2), patience_seconds=0.05), DeadlineExceeded)
    assert desk.batcher.under_way <= (2, 1)
    backend.gate.set()
    await first


@on_event_loop
async def test_what_a_turn_of_the_loop_does_for_many_is_nobodys() -> None:
    """The flush that a traced request brings about runs in no request's name."""
    desk = Desk(open_gate())
    found: list[object] = []
    desk.batcher.observer = Tally(lambda: found.append(CURRENT.get()))
    await desk.ask(0, trace(1))
    assert found == [None]


def open_gate() -> GatedBackend:
    backend = GatedBackend()
    backend.gate.set()
    return backend
