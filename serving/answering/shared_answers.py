"""One model's cache with its requests under way: equal ones share one computation. The shell around `answer_cache.py`.

Owns the tasks that compute. A caller who goes, or whose deadline passes, leaves the others alone; the last one to go
ends the computation.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from serving.answering.answer_cache import AnswerCache, CacheKey, KeptAnswer, digest_of
from serving.backend_protocol import Arrays, Target
from serving.batching.events import Lane
from serving.batching.waiting import Answer, Receipt
from serving.errors import DeadlineExceeded

Answering: TypeAlias = Callable[[Arrays, float, Lane, str], Coroutine[Any, Any, Answer]]
"""Inputs, deadline (a moment of the monotonic clock), lane and tenant to the answer."""
Outcome: TypeAlias = Literal["hit", "shared", "miss"]


@dataclass(slots=True, eq=False)
class _Flight:
    """A computation under way, in the lane of whoever began it and until that one's deadline."""

    task: asyncio.Task[Answer]
    lane: Lane
    deadline_seconds: float
    waiting: int = 0


@dataclass(slots=True)
class SharedAnswers:
    """Answers from `cache`, from a computation that is under way, or from a new one. Failures are not kept."""

    cache: AnswerCache
    clock: Callable[[], float] = time.monotonic
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    """How many requests were answered in each way."""
    _flights: dict[CacheKey, _Flight] = field(default_factory=dict)

    def around(self, target: Target, answer: Answering) -> Answering:
        """`answer` for one signature of one version, asked only for what is not known."""

        async def known_or_asked(inputs: Arrays, deadline_seconds: float, lane: Lane, tenant: str) -> Answer:
            key = CacheKey(target.version, target.signature, digest_of(inputs))
            while True:
                kept = self.cache.get(key)
                if kept is not None:
                    self.outcomes["hit"] += 1
                    return Answer(kept.outputs, Receipt(0.0, 0.0, 0, "hit"), kept.all_finite)
                flight = self._flights.get(key)
                outcome: Outcome = "shared"
                if flight is None or flight.lane > lane:  # nobody urgent waits in a slower lane than its own
                    outcome = "miss"
                    work = answer(inputs, deadline_seconds, lane, tenant)
                    flight = self._begun(key, _Flight(asyncio.create_task(work), lane, deadline_seconds))
                found = await self._landed(key, flight, deadline_seconds)
                if found is not None:
                    self.outcomes[outcome] += 1
                    return found._replace(receipt=found.receipt._replace(cache=outcome))

        return known_or_asked

    def _begun(self, key: CacheKey, flight: _Flight) -> _Flight:
        self._flights[key] = flight
        flight.task.add_done_callback(lambda task: self._ended(key, flight, task))
        return flight

    def _ended(self, key: CacheKey, flight: _Flight, task: asyncio.Task[Answer]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not task.cancelled() and task.exception() is None:
            answer = task.result()
            self.cache.put(key, KeptAnswer(answer.outputs, answer.all_finite))

    async def _landed(self, key: CacheKey, flight: _Flight, deadline_seconds: float) -> Answer | None:
        """What the flight brings; None when a deadline ended it that comes before this caller's, who then asks anew."""
        flight.waiting += 1
        try:
            async with asyncio.timeout(max(0.0, deadline_seconds - self.clock())):
                return await asyncio.shield(flight.task)
        except TimeoutError as error:
            raise DeadlineExceeded("the deadline passed before the answer was there") from error
        except DeadlineExceeded:
            if flight.deadline_seconds >= deadline_seconds or self.clock() >= deadline_seconds:
                raise
            return None
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                flight.task.cancel()
                if self._flights.get(key) is flight:  # whoever comes from now on begins anew
                    del self._flights[key]
