"""The batching core against a model of the world that only records, with events in any order hypothesis can think of.

What must hold stands in `World.record` (about each action) and in the invariants (about the whole).
"""

from dataclasses import dataclass, field
from random import Random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from serving.batching.events import Action, Complete, Reject, SendBatch, Submission
from serving.errors import BackendUnavailable, DeadlineExceeded, Overloaded, PayloadTooLarge
from tests.unit.serving.batching.cores import batches, new_core, rejected, submission

MAX_BATCH_ROWS, MAX_ROWS, MAX_BYTES = 4, 30, 300
DOWN = BackendUnavailable("nobody answers")


@dataclass
class Story:
    """What has happened to one admitted request."""

    submission: Submission
    tickets_ahead: int
    """Requests that had rows to send when this one came: so many batches may go before it, and not one more."""
    sent_rows: int = 0
    done_rows: int = 0
    batches_before_it: int = 0
    end: str = ""

    @property
    def waiting_rows(self) -> int:
        return 0 if self.end else self.submission.rows - self.sent_rows

    @property
    def fits(self) -> bool:
        return self.submission.rows <= MAX_BATCH_ROWS


@dataclass
class World:
    """Everything that was admitted, sent and ended, as told by the core's own actions."""

    stories: dict[int, Story] = field(default_factory=dict)
    in_flight: dict[int, SendBatch] = field(default_factory=dict)

    @property
    def queued(self) -> list[Story]:
        return [story for story in self.stories.values() if story.waiting_rows]

    def record(self, actions: list[Action], now: float) -> None:
        for action in actions:
            if isinstance(action, SendBatch):
                self._sent(action, now)
            elif isinstance(action, Complete):
                story = self._ended(action.request, "completed")
                assert story.done_rows == story.submission.rows
            else:
                self._ended(action.request, "rejected")

    def _ended(self, request: int, end: str) -> Story:
        story = self.stories[request]
        assert not story.end, f"request {request} ended twice: {story.end}, {end}"
        story.end = end
        return story

    def _sent(self, batch: SendBatch, now: float) -> None:
        stories = [self.stories[part.request] for part in batch.slices]
        assert 1 <= batch.rows <= MAX_BATCH_ROWS
        assert {story.submission.key for story in stories} == {batch.key}
        assert batch.deadline_seconds == max(story.submission.deadline_seconds for story in stories)
        assert all(story.submission.deadline_seconds > now and not story.end for story in stories)
        for part, story in zip(batch.slices, stories, strict=True):
            assert part.start == story.sent_rows, "every row is sent once and in order"
            assert not (story.fits and self._overtaken(story)), "first come, first served within a key"
            story.sent_rows += part.rows
        for story in self.queued:
            story.batches_before_it += not story.sent_rows
            assert story.batches_before_it <= story.tickets_ahead, "nobody starves"
        self.in_flight[batch.batch] = batch

    def _overtaken(self, story: Story) -> bool:
        """Whether an earlier, fitting request of the same key still waits."""
        earlier = [other for other in self.queued if other.submission.request < story.submission.request]
        return any(other.fits and other.submission.key == story.submission.key for other in earlier)


class BatchingMachine(RuleBasedStateMachine):
    """Requests come, go and expire, batches are sent, answered and lost; the clock is ours."""

    @initialize(slots=st.integers(1, 3))
    def start(self, slots: int) -> None:
        self.slots, self.now, self.requests, self.world = slots, 0.0, 0, World()
        self.core = new_core(max_batch_rows=MAX_BATCH_ROWS, slots=slots, max_rows=MAX_ROWS, max_bytes=MAX_BYTES)

    @rule(
        rows=st.integers(1, 12) | st.just(MAX_ROWS + 1),
        model=st.sampled_from(["digits", "faces", "prices"]),
        nbytes=st.integers(0, 80),
        patience=st.integers(0, 12),
    )
    def submit(self, rows: int, model: str, nbytes: int, patience: int) -> None:
        self.requests += 1
        one = submission(self.requests, rows, model=model, nbytes=nbytes, deadline_seconds=self.now + patience)
        actions = self.core.submit(one, self.now)
        assert [type(action.error) for action in actions if isinstance(action, Reject)] == self._refusals(one)
        if not actions:
            self.world.stories[one.request] = Story(one, len(self.world.queued))

    def _refusals(self, one: Submission) -> list[type[Exception]]:
        queued = self.world.queued
        if one.rows > MAX_ROWS:
            return [PayloadTooLarge]
        rows, nbytes = sum(s.waiting_rows for s in queued), sum(s.submission.nbytes for s in queued)
        if rows + one.rows > MAX_ROWS or nbytes + one.nbytes > MAX_BYTES:
            return [Overloaded]
        return [DeadlineExceeded] if one.deadline_seconds <= self.now else []

    @rule()
    def fill_slots(self) -> None:
        self.world.record(self.core.fill_slots(self.now), self.now)
        assert len(self.world.in_flight) == self.slots or not self.world.queued, "a slot idles while a row waits"

    @precondition(lambda self: self.world.in_flight)
    @rule(choice=st.integers(0, 2))
    def batch_done(self, choice: int) -> None:
        batch = self._landed(choice)
        for part in batch.slices:
            self.world.stories[part.request].done_rows += part.rows
        self.world.record(self.core.batch_done(batch.batch, self.now), self.now)
        members = [self.world.stories[part.request] for part in batch.slices]
        assert all(story.end for story in members if story.done_rows == story.submission.rows)

    @precondition(lambda self: self.world.in_flight)
    @rule(choice=st.integers(0, 2))
    def batch_failed(self, choice: int) -> None:
        batch = self._landed(choice)
        actions = self.core.batch_failed(batch.batch, DOWN, self.now)
        members = [part.request for part in batch.slices if not self.world.stories[part.request].end]
        assert rejected(actions) == [(member, "BackendUnavailable") for member in members]
        self.world.record(actions, self.now)

    def _landed(self, choice: int) -> SendBatch:
        flying = list(self.world.in_flight)
        return self.world.in_flight.pop(flying[choice % len(flying)])

    @precondition(lambda self: self.world.stories)
    @rule(choice=st.integers(0, 50))
    def cancel(self, choice: int) -> None:
        numbers = list(self.world.stories)
        request = numbers[choice % len(numbers)]
        self.core.cancel(request)
        self.world.stories[request].end = self.world.stories[request].end or "cancelled"

    @rule(seconds=st.sampled_from([0.0, 0.5, 1.0, 4.0]))
    def advance(self, seconds: float) -> None:
        self.now += seconds
        self.world.record(self.core.tick(self.now), self.now)
        still_open = [story for story in self.world.stories.values() if not story.end]
        assert all(story.submission.deadline_seconds > self.now for story in still_open)
        earliest = min((story.submission.deadline_seconds for story in still_open), default=None)
        assert self.core.next_deadline_seconds() == earliest

    @invariant()
    def slots_are_not_exceeded(self) -> None:
        assert self.core.in_flight == len(self.world.in_flight) <= self.slots

    @invariant()
    def queue_is_what_was_not_sent(self) -> None:
        queued = self.world.queued
        assert self.core.queued_rows == sum(story.waiting_rows for story in queued)
        assert self.core.queued_bytes == sum(story.submission.nbytes for story in queued)

    def teardown(self) -> None:
        """Whatever is still open can be brought to its end: nobody is lost."""
        while any(not story.end for story in self.world.stories.values()):
            self.fill_slots()
            while self.world.in_flight:
                self.batch_done(0)


TestBatchingCore = BatchingMachine.TestCase
TestBatchingCore.settings = settings(
    max_examples=200, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def test_same_seed_same_trace() -> None:
    assert trace(seed=7) == trace(seed=7)
    assert trace(seed=7) != trace(seed=8)


def trace(seed: int) -> list[str]:
    """Every action of a random scenario of 500 turns, in words."""
    random, now, flying = Random(seed), 0.0, list[int]()
    core, told = new_core(slots=2, max_rows=MAX_ROWS), list[str]()
    for number in range(500):
        now += random.expovariate(1.0)
        one = submission(number, random.randint(1, 9), model=random.choice("ab"), deadline_seconds=now + 5)
        actions = core.submit(one, now) + core.fill_slots(now)
        flying += [batch.batch for batch in batches(actions)]
        while flying and random.random() < 0.6:
            batch = flying.pop(random.randrange(len(flying)))
            actions += core.batch_done(batch, now) if random.random() < 0.9 else core.batch_failed(batch, DOWN, now)
        told += [repr(action) for action in actions]
    return told


def test_every_admitted_row_is_served_once() -> None:
    """Row conservation under load, without losses: what goes in comes out, in rows."""
    random, admitted, served = Random(11), 0, 0
    core = new_core(max_batch_rows=8)
    for number in range(2_000):
        rows = random.randint(1, 20)
        admitted += rows
        assert core.submit(submission(number, rows), 0.0) == []
    while flying := batches(core.fill_slots(0.0)):
        served += flying[0].rows
        core.batch_done(flying[0].batch, 0.0)
    assert served == admitted
