"""Equal requests at the same time and one after the other, with computations that end when they are told to."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from serving.answering.answer_cache import AnswerCache
from serving.answering.shared_answers import SharedAnswers
from serving.backend_protocol import Arrays, Target
from serving.batching.events import Lane
from serving.batching.waiting import Answer, Receipt
from serving.errors import BackendUnavailable, DeadlineExceeded

LONG_SECONDS = 1000.0


@dataclass
class Bench:
    """`asked` has a future for each computation that was begun; `ask` asks for twice the number."""

    shared: SharedAnswers = field(default_factory=lambda: SharedAnswers(AnswerCache(10_000)))
    asked: list[asyncio.Future[None]] = field(default_factory=list)
    version: int = 1

    def ask(self, number: float, *, within: float = LONG_SECONDS, lane: Lane = Lane.NORMAL) -> asyncio.Task[Answer]:
        compute = lambda inputs, *_: self._compute(inputs)  # noqa: E731 - when, where and for whom is the batcher's
        answering = self.shared.around(Target("m", self.version, "serving_default"), compute)
        inputs = {"x": np.array([number], np.float32)}
        return asyncio.ensure_future(answering(inputs, time.monotonic() + within, lane, ""))

    async def _compute(self, inputs: Arrays) -> Answer:
        self.asked.append(asyncio.get_running_loop().create_future())
        await self.asked[-1]
        value: Any = inputs["x"] * 2
        return Answer({"value": value}, Receipt(0.1, 0.2, 3), all_finite=True)

    async def begun(self, count: int) -> None:
        """Until so many computations were begun."""
        async with asyncio.timeout(20):
            while len(self.asked) < count:  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0)

    async def settled(self) -> None:
        """Everybody who can go on has gone on."""
        for _ in range(10):
            await asyncio.sleep(0)


def on_a_bench(test: Callable[[Bench], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def run() -> None:
        async def within() -> None:
            async with asyncio.timeout(20):
                await test(Bench())

        asyncio.run(within())

    run.__name__ = test.__name__
    return run


def told(answer: Answer) -> tuple[list[float], str]:
    return answer.outputs["value"].tolist(), answer.receipt.cache


@on_a_bench
async def test_equal_requests_under_way_share_one_computation(bench: Bench) -> None:
    tasks = [bench.ask(1), bench.ask(1), bench.ask(2)]
    await bench.begun(2)
    await bench.settled()
    assert len(bench.asked) == 2
    for future in bench.asked:
        future.set_result(None)
    assert [told(await task) for task in tasks] == [([2.0], "miss"), ([2.0], "shared"), ([4.0], "miss")]
    assert (await tasks[1]).receipt.batch_rows == 3


@on_a_bench
async def test_what_was_answered_is_answered_again_without_asking(bench: Bench) -> None:
    first = bench.ask(1)
    await bench.begun(1)
    bench.asked[0].set_result(None)
    await first
    assert told(await bench.ask(1)) == ([2.0], "hit")
    assert (len(bench.asked), dict(bench.shared.outcomes)) == (1, {"miss": 1, "hit": 1})


@on_a_bench
async def test_another_version_computes_anew(bench: Bench) -> None:
    first = bench.ask(1)
    await bench.begun(1)
    bench.asked[0].set_result(None)
    await first
    bench.version = 2
    bench.ask(1)
    await bench.begun(2)
    bench.asked[1].set_result(None)


@on_a_bench
async def test_a_failure_reaches_all_who_share_it_and_is_not_kept(bench: Bench) -> None:
    tasks = [bench.ask(1), bench.ask(1)]
    await bench.begun(1)
    bench.asked[0].set_exception(BackendUnavailable("gone"))
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in ended] == [BackendUnavailable, BackendUnavailable]
    again = bench.ask(1)
    await bench.begun(2)
    bench.asked[1].set_result(None)
    assert told(await again) == ([2.0], "miss")


@pytest.mark.parametrize("gone", [0, 1])
def test_who_goes_leaves_the_other_alone(gone: int) -> None:
    async def test(bench: Bench) -> None:
        tasks = [bench.ask(1), bench.ask(1)]
        await bench.begun(1)
        await bench.settled()
        tasks[gone].cancel()
        await bench.settled()
        assert tasks[gone].cancelled()
        bench.asked[0].set_result(None)
        assert told(await tasks[1 - gone])[0] == [2.0]

    on_a_bench(test)()


@on_a_bench
async def test_the_last_who_goes_ends_the_computation(bench: Bench) -> None:
    tasks = [bench.ask(1), bench.ask(1)]
    await bench.begun(1)
    await bench.settled()
    for task in tasks:
        task.cancel()
    await bench.settled()
    assert bench.asked[0].cancelled()
    again = bench.ask(1)
    await bench.begun(2)
    bench.asked[1].set_result(None)
    assert told(await again) == ([2.0], "miss")


@on_a_bench
async def test_everybody_keeps_the_deadline_of_their_own(bench: Bench) -> None:
    patient, hasty = bench.ask(1), bench.ask(1, within=0.01)
    with pytest.raises(DeadlineExceeded):
        await hasty
    assert not patient.done()
    bench.asked[0].set_result(None)
    assert told(await patient) == ([2.0], "miss")


@on_a_bench
async def test_who_shared_a_computation_that_ran_out_of_time_asks_anew(bench: Bench) -> None:
    hasty, patient = bench.ask(1, within=LONG_SECONDS / 2), bench.ask(1)
    await bench.begun(1)
    await bench.settled()
    bench.asked[0].set_exception(DeadlineExceeded("too late"))
    with pytest.raises(DeadlineExceeded):
        await hasty
    await bench.begun(2)
    bench.asked[1].set_result(None)
    assert told(await patient) == ([2.0], "miss")


@on_a_bench
async def test_nobody_urgent_waits_in_a_slower_lane(bench: Bench) -> None:
    slow = bench.ask(1, lane=Lane.BATCH)
    await bench.begun(1)
    urgent = bench.ask(1, lane=Lane.HIGH)
    await bench.begun(2)
    joins = bench.ask(1, lane=Lane.NORMAL)
    await bench.settled()
    bench.asked[1].set_result(None)
    assert [told(await task)[1] for task in (urgent, joins)] == ["miss", "shared"]
    bench.asked[0].set_result(None)
    assert told(await slow)[1] == "miss"
