"""A model of the world that only records what the core's actions say, and holds each of them to the rules."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from serving.batching.events import Action, Complete, QueueKey, RowSlice, SendBatch, Submission
from serving.batching.policy import BatchingCore

LEARNING_CALLS = 4
"""From so many good calls of a queue on, the core's predictions bind it."""
TRUSTED_SECONDS = 1.0
"""A prediction that no call has borne out for so long may be tried again."""


@dataclass
class Story:
    """What has happened to one admitted request."""

    submission: Submission
    may_be_a_trial: bool
    sent_rows: int = 0
    done_rows: int = 0
    end: str = ""

    @property
    def waiting_rows(self) -> int:
        return 0 if self.end else self.submission.rows - self.sent_rows


@dataclass
class World:
    """Everything that was admitted, sent and ended, as told by the core's own actions."""

    core: BatchingCore
    max_batch_rows: int
    stories: dict[int, Story] = field(default_factory=dict)
    in_flight: dict[int, SendBatch] = field(default_factory=dict)
    halved: set[RowSlice] = field(default_factory=set)
    good_calls: dict[QueueKey, int] = field(default_factory=dict)
    last_call_seconds: dict[QueueKey, float] = field(default_factory=dict)

    @property
    def queued(self) -> list[Story]:
        return [story for story in self.stories.values() if story.waiting_rows]

    def admit(self, submission: Submission, now: float) -> None:
        since = now - self.last_call_seconds.get(submission.key, -1e9)
        self.stories[submission.request] = Story(submission, since > TRUSTED_SECONDS)

    def record(self, actions: Iterable[Action], now: float) -> None:
        for action in actions:
            if isinstance(action, SendBatch):
                self._sent(action, now)
            elif isinstance(action, Complete):
                story = self.ended(action.request, "completed")
                assert story.done_rows == story.submission.rows
            else:
                self.ended(action.request, "rejected")

    def landed(self, batch: SendBatch, now: float, *, well: bool) -> None:
        """The backend answered or failed."""
        self.last_call_seconds[batch.key] = now
        if well:
            self.good_calls[batch.key] = self.good_calls.get(batch.key, 0) + 1
            for part in batch.slices:
                self.stories[part.request].done_rows += part.rows

    def ended(self, request: int, end: str) -> Story:
        story = self.stories[request]
        assert not story.end, f"request {request} ended twice: {story.end}, {end}"
        story.end = end
        return story

    def _sent(self, batch: SendBatch, now: float) -> None:
        members = [self.stories[part.request] for part in batch.slices]
        assert 1 <= batch.rows <= self.max_batch_rows
        assert batch.padded_rows >= batch.rows
        assert {story.submission.key for story in members} == {batch.key}
        assert batch.deadline_seconds >= max(story.submission.deadline_seconds for story in members)
        assert all(story.submission.deadline_seconds > now and not story.end for story in members)
        self.in_flight[batch.batch] = batch
        if self.halved.issuperset(batch.slices):
            self.halved.difference_update(batch.slices)
            return
        for part, story in zip(batch.slices, members, strict=True):
            assert part.start == story.sent_rows, "every row is sent once and in order"
            assert not self._overtaken(story), "first come, first served within a queue's lane and tenant"
            assert self._in_time(batch, story, now), "nothing is sent that cannot meet its deadline"
            story.sent_rows += part.rows

    def _overtaken(self, story: Story) -> bool:
        """Whether an earlier request of the same queue, lane and tenant waits, both whole; parts go behind."""
        return not story.sent_rows and any(
            other.submission.request < story.submission.request and not other.sent_rows and _line(other) == _line(story)
            for other in self.queued
        )

    def _in_time(self, batch: SendBatch, story: Story, now: float) -> bool:
        if story.may_be_a_trial or self.good_calls.get(batch.key, 0) < LEARNING_CALLS:
            return True
        seconds = self.core.cost_seconds(batch.key, batch.padded_rows) or 0.0
        return now + seconds <= story.submission.deadline_seconds + 1e-9


def _line(story: Story) -> tuple[QueueKey, int, str]:
    return story.submission.key, story.submission.lane, story.submission.tenant
