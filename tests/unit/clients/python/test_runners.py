"""Who does the steps of a call: alike by threads and by tasks, hedges included."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from penstock_client.async_runner import AsyncRunner
from penstock_client.clocks import SystemClock
from penstock_client.errors import ConnectionFailed, DeadlineExceeded
from penstock_client.in_process import FakeClock, InProcess
from penstock_client.messages import Request, Response
from penstock_client.steps import Hedge, Outcome, Pause, Send, Steps
from penstock_client.sync_runner import SyncRunner

BOUND_SECONDS = 30.0
FIRST, OTHER = Request("GET", "/first"), Request("GET", "/other")


def answer(request: Request) -> Response:
    if request.path == "/broken":
        raise ConnectionFailed("broken")
    return Response(200, {}, request.path.encode())


def hedged(seen: list[Outcome], *, after_seconds: float = 0.0, is_paid: bool = True) -> Steps[Outcome]:
    other = Send(OTHER, BOUND_SECONDS) if is_paid else None
    outcome = yield Send(
        FIRST, BOUND_SECONDS, Hedge(after_seconds, lambda: other, lambda one: isinstance(one, Response))
    )
    assert outcome is not None
    seen.append(outcome)
    return outcome


def steps() -> Steps[list[Any]]:
    first = yield Send(FIRST, 1.0)
    paused = yield Pause(2.5)
    broken = yield Send(Request("GET", "/broken"), 1.0)
    return [first, paused, broken]


def run_sync(clock: FakeClock, made: Steps[Any]) -> Any:
    return SyncRunner(InProcess(answer), clock).run(made)


def run_async(clock: FakeClock, made: Steps[Any]) -> Any:
    return asyncio.run(AsyncRunner(InProcess(answer), clock).run(made))


@pytest.mark.parametrize("run", [run_sync, run_async])
def test_each_step_is_done_in_turn(run: Callable[[FakeClock, Steps[Any]], Any]) -> None:
    clock = FakeClock()
    first, paused, broken = run(clock, steps())
    assert (first.body, paused, type(broken)) == (b"/first", None, ConnectionFailed)
    assert clock.now() == 2.5


class OneStalls:
    """Of two transports: the first request is answered only once the other has been, or is cancelled."""

    def __init__(self) -> None:
        self.other_was_asked = threading.Event()
        self.lost = asyncio.Event()
        self.fails: frozenset[str] = frozenset()

    def send(self, request: Request, *, timeout_seconds: float) -> Response:
        if request is FIRST:
            assert self.other_was_asked.wait(timeout_seconds)
        self.other_was_asked.set()
        if request.path in self.fails:
            raise ConnectionFailed("broken")
        return answer(request)

    async def asend(self, request: Request, *, timeout_seconds: float) -> Response:
        if request is FIRST:
            try:
                await asyncio.wait_for(asyncio.Event().wait(), timeout_seconds)
            except asyncio.CancelledError:
                self.lost.set()
                raise
        return answer(request)

    def close(self) -> None:
        pass

    async def aclose(self) -> None:
        pass


def test_the_hedge_answers_where_the_first_request_stalls() -> None:
    transport = OneStalls()
    transport.fails = frozenset({"/first"})
    outcome = SyncRunner(transport, SystemClock()).run(hedged([]))
    assert isinstance(outcome, Response)
    assert outcome.body == b"/other"


def judged(is_judged: Callable[[], object]) -> Steps[Outcome]:
    """A hedged request of which `is_judged` is told that an outcome was found bad."""

    def is_good(outcome: Outcome) -> bool:
        good = isinstance(outcome, Response)
        if not good:
            is_judged()
        return good

    outcome = yield Send(FIRST, BOUND_SECONDS, Hedge(0.0, lambda: Send(OTHER, BOUND_SECONDS), is_good))
    assert outcome is not None
    return outcome


def test_where_the_hedge_fails_the_first_request_is_waited_for() -> None:
    bad_was_seen = threading.Event()

    def hedge_fails(request: Request) -> Response:
        if request is OTHER:
            raise ConnectionFailed("broken")
        assert bad_was_seen.wait(BOUND_SECONDS)
        return answer(request)

    outcome = SyncRunner(InProcess(hedge_fails), SystemClock()).run(judged(bad_was_seen.set))
    assert isinstance(outcome, Response)
    assert outcome.body == b"/first"


class HedgeFails(OneStalls):
    """The first request is answered once the other one's failure has been judged."""

    async def asend(self, request: Request, *, timeout_seconds: float) -> Response:
        if request is OTHER:
            raise ConnectionFailed("broken")
        await asyncio.wait_for(self.lost.wait(), timeout_seconds)
        return answer(request)


def test_where_the_hedging_task_fails_the_first_one_is_waited_for() -> None:
    async def raced() -> Outcome:
        transport = HedgeFails()
        return await AsyncRunner(transport, SystemClock()).run(judged(transport.lost.set))

    outcome = within_bound(raced())
    assert isinstance(outcome, Response)
    assert outcome.body == b"/first"


@pytest.mark.parametrize("is_paid", [True, False])
def test_a_hedged_call_ends_at_its_deadline_whatever_its_threads_do(is_paid: bool) -> None:  # noqa: FBT001 - both ways
    let_go = threading.Event()

    def stalls(request: Request) -> Response:
        assert let_go.wait(BOUND_SECONDS)
        return answer(request)

    def asked() -> Steps[Outcome]:
        other = Send(OTHER, 0.05) if is_paid else None
        outcome = yield Send(FIRST, 0.05, Hedge(0.0, lambda: other, lambda one: isinstance(one, Response)))
        assert outcome is not None
        return outcome

    runner = SyncRunner(InProcess(stalls), SystemClock())
    try:
        assert isinstance(runner.run(asked()), DeadlineExceeded)
    finally:
        let_go.set()
        runner.close()


def test_where_both_fail_an_error_comes_of_it() -> None:
    transport = OneStalls()
    transport.fails = frozenset({"/first", "/other"})
    assert isinstance(SyncRunner(transport, SystemClock()).run(hedged([])), ConnectionFailed)


def test_an_answer_in_time_is_not_hedged() -> None:
    transport = InProcess(answer)
    SyncRunner(transport, SystemClock()).run(hedged([], after_seconds=BOUND_SECONDS))
    asyncio.run(AsyncRunner(transport, SystemClock()).run(hedged([], after_seconds=BOUND_SECONDS)))
    assert [request.path for request in transport.asked] == ["/first", "/first"]


def test_a_budget_that_is_spent_leaves_the_first_request_alone() -> None:
    transport = InProcess(answer)
    SyncRunner(transport, SystemClock()).run(hedged([], is_paid=False))
    asyncio.run(AsyncRunner(transport, SystemClock()).run(hedged([], is_paid=False)))
    assert [request.path for request in transport.asked] == ["/first", "/first"]


def within_bound(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, BOUND_SECONDS))


def test_the_slower_task_is_cancelled() -> None:
    async def raced() -> tuple[Outcome, bool]:
        transport = OneStalls()
        outcome = await AsyncRunner(transport, SystemClock()).run(hedged([]))
        await transport.lost.wait()
        return outcome, transport.lost.is_set()

    outcome, was_lost = within_bound(raced())
    assert isinstance(outcome, Response)
    assert (outcome.body, was_lost) == (b"/other", True)


def test_a_cancelled_call_leaves_no_request_behind() -> None:
    async def cancelled() -> None:
        transport = OneStalls()
        call = asyncio.create_task(AsyncRunner(transport, SystemClock()).run(hedged([], is_paid=False)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await transport.lost.wait()

    within_bound(cancelled())
