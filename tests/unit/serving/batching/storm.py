"""A storm in virtual time: a backend in every mood, callers of every kind, and a core whose books can be checked."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from random import Random

import numpy as np

from serving.backend_protocol import Arrays, Target
from serving.backends.in_memory import InMemoryBackend, Turn
from serving.batching.admission import QueueLimits
from serving.batching.batcher import Batcher
from serving.batching.events import ANY_BATCH, Action, BatchRules, Lane, QueueKey, SendBatch, Submission, layout_of
from serving.batching.policy import BatchingCore
from serving.batching.waiting import Answer
from serving.contract.tensors import Array
from serving.errors import BackendError, BackendOverloaded, BackendRejected, BackendUnavailable, PenstockError
from tests.unit.serving.batching.batcher_parts import DIGITS, FACES, Tally, ids

REQUESTS_PER_SECOND, SPELL_SECONDS = 500.0, 0.4
"""A spell is how long the backend keeps a mood, on average: enough for a queue to fill and for a breaker to open."""
FINE = Turn(0.004)
MOODS = {
    FINE: 10.0,
    Turn(0.03): 3.0,
    Turn(0.002, BackendUnavailable("nobody answers")): 2.0,
    Turn(0.002, BackendError("the model failed")): 1.0,
    Turn(0.001, BackendOverloaded("the model server has no room")): 1.0,
    Turn(1e9): 1.0,  # hangs until the call is given up
}
"""What the backend does to a call, and how often it is in that mood."""
POISON = -1
RULES = {DIGITS: ANY_BATCH, FACES: BatchRules(allowed_rows=(1, 4, 16), max_wait_seconds=0.002)}


@dataclass(frozen=True, slots=True)
class Caller:
    """Comes, asks for rows of numbers that nobody else has, and may leave before the answer is there."""

    comes_at_seconds: float
    first: int
    target: Target = DIGITS
    rows: int = 1
    patience_seconds: float = 10.0
    lane: Lane = Lane.NORMAL
    tenant: str = ""
    stays_seconds: float | None = None
    is_poison: bool = False

    @property
    def numbers(self) -> list[int]:
        return [
            *range(self.first, self.first + self.rows - 1),
            POISON if self.is_poison else self.first + self.rows - 1,
        ]


def callers(number: int, random: Random) -> list[Caller]:
    times = accumulate(random.expovariate(REQUESTS_PER_SECOND) for _ in range(number))
    return [
        Caller(
            comes_at,
            1_000 * place,
            random.choice([DIGITS, FACES]),
            random.choice([1, 1, 1, 2, 5, 40]),
            random.choice([0.02, 0.1, 0.5, 2.0]),
            random.choice(list(Lane)),
            random.choice(["a", "a", "a", "b"]),
            random.expovariate(50.0) if random.random() < 0.1 else None,
            random.random() < 0.005,
        )
        for place, comes_at in enumerate(times)
    ]


class AuditedCore(BatchingCore):
    """The core, with books of how often each request ended, by an action or by being cancelled, and of the batches."""

    endings: Counter[int]
    batches: int

    def open_books(self) -> None:
        self.endings, self.batches = Counter(), 0

    def submit(self, submission: Submission, now: float) -> list[Action]:
        return self._noted(super().submit(submission, now))

    def fill_slots(self, now: float, most_batches: int | None = None) -> list[Action]:
        return self._noted(super().fill_slots(now, most_batches))

    def batch_done(self, batch: int, now: float) -> list[Action]:
        return self._noted(super().batch_done(batch, now))

    def batch_failed(self, batch: int, error: PenstockError, now: float) -> list[Action]:
        return self._noted(super().batch_failed(batch, error, now))

    def cancel(self, request: int) -> None:
        super().cancel(request)
        self.endings[request] += 1

    def _noted(self, actions: list[Action]) -> list[Action]:
        for action in actions:
            if isinstance(action, SendBatch):
                self.batches += 1
            else:
                self.endings[action.request] += 1
        return actions


@dataclass
class Storm:
    """The gateway's batcher between the callers and a backend whose mood changes until `is_over`."""

    core: AuditedCore
    batcher: Batcher
    tally: Tally
    random: Random
    is_over: bool = False

    async def ending(self, caller: Caller) -> str:
        """What the caller was told, once it has come and asked: answered, cancelled, or the name of an error."""
        await asyncio.sleep(caller.comes_at_seconds - self.batcher.clock())
        asking = asyncio.ensure_future(self._ask(caller))
        if caller.stays_seconds is not None:
            await asyncio.wait([asking], timeout=caller.stays_seconds)
            asking.cancel()
        (answer,) = await asyncio.gather(asking, return_exceptions=True)
        if isinstance(answer, Answer):
            assert ids(answer) == caller.numbers
            return "answered"
        assert isinstance(answer, PenstockError | asyncio.CancelledError), repr(answer)
        return "cancelled" if isinstance(answer, asyncio.CancelledError) else type(answer).__name__

    async def _ask(self, caller: Caller) -> Answer:
        deadline = self.batcher.clock() + caller.patience_seconds
        inputs = {"ids": np.array(caller.numbers)}
        key = QueueKey(caller.target, layout_of(inputs), RULES[caller.target])
        return await self.batcher.predict(key, inputs, deadline, lane=caller.lane, tenant=caller.tenant)

    def moods(self) -> Iterator[Turn]:
        ends, mood = 0.0, FINE
        while True:
            if self.batcher.clock() >= ends:
                ends = self.batcher.clock() + self.random.expovariate(1 / SPELL_SECONDS)
                (mood,) = self.random.choices(list(MOODS), list(MOODS.values()))
            yield FINE if self.is_over else mood


async def gathering_storm(seed: int) -> Storm:
    clock = asyncio.get_running_loop().time
    slots = 1 + seed % 3
    limits = QueueLimits(max_rows=200, max_bytes=10**6)
    core = AuditedCore(max_batch_rows=16, slots=slots, most_slots=4 if seed % 2 else None, limits=limits)
    core.open_books()
    backend, tally = InMemoryBackend({"digits": {1: {}}, "faces": {1: {}}}, _echo, clock=clock), Tally()
    storm = Storm(core, Batcher(backend, core, tally, clock), tally, Random(seed))
    backend.script = storm.moods()
    await backend.start(_unheard)
    return storm


def _echo(_: Target, inputs: Arrays) -> dict[str, Array]:
    if POISON in inputs["ids"]:
        raise BackendRejected("indigestible")
    return dict(inputs)


async def _unheard() -> None: ...
