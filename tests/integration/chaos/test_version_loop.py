"""Versions published, promoted, rolled back and pruned over and over while 8 clients ask.

Nobody fails, and every answer is of a version that the label could stand at while the request was under way.
PENSTOCK_TEST_ROUNDS sets how many rounds (`make chaos` takes many), PENSTOCK_TEST_SEED their order.
"""

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from serving.errors import PublishError
from serving.model_store.labels import read_labels, set_label
from serving.model_store.prune import prune
from serving.model_store.rollback import rollback
from serving.model_store.versions import list_versions
from serving.models_verb import run
from tests.processes import GatewayProcess, StartGateway
from tests.swaps import Answered, clients_asking, golden_instance, publish_again

ROUNDS = int(os.environ.get("PENSTOCK_TEST_ROUNDS", "4"))
SEED = int(os.environ.get("PENSTOCK_TEST_SEED", "1"))
MODEL, BOUND_SECONDS = "digits", 30.0


class Stand(NamedTuple):
    """`stable` was pointed at the version from `since_seconds` on; by `sure_seconds` the gateway answered with it."""

    version: int
    since_seconds: float
    sure_seconds: float | None


@dataclass
class Loop:
    """What is done to the model directory, and where `stable` stood when."""

    gateway: GatewayProcess
    models: Path
    stands: list[Stand] = field(default_factory=list)

    def stable(self) -> int:
        return read_labels(self.models, MODEL)["stable"]

    def stood(self, since_seconds: float, *, sure: bool) -> None:
        self.stands.append(Stand(self.stable(), since_seconds, time.monotonic() if sure else None))

    def publish_and_promote(self) -> None:
        version, since = publish_again(self.models, MODEL), time.monotonic()
        gateway = ("--gateway", self.gateway.url)
        assert run(["promote", MODEL, str(version), *gateway, "--models", str(self.models)]) == 0
        self.stood(since, sure=True)

    def roll_back(self) -> None:
        since = time.monotonic()
        try:
            rollback(self.models, MODEL, by="test", reason="", now=datetime.now(UTC))
        except PublishError:
            return  # none is left that was not rolled back from
        deadline = since + BOUND_SECONDS
        while self.answering() != self.stable():
            assert time.monotonic() < deadline
        self.stood(since, sure=True)

    def flip(self) -> None:
        """Pointers moved by hand, faster than any gateway looks."""
        for version in (*list_versions(self.models, MODEL), self.stable()):
            since = time.monotonic()
            set_label(self.models, MODEL, "stable", version, by="test", reason="", now=datetime.now(UTC))
            self.stood(since, sure=False)

    def publish_only(self) -> None:
        publish_again(self.models, MODEL)

    def prune(self) -> None:
        prune(self.models, MODEL, keep=2, by="test", reason="", now=datetime.now(UTC))

    def answering(self) -> int:
        [state] = self.gateway.get(f"/v1/models/{MODEL}/labels/stable")["model_version_status"]
        assert state["state"] == "AVAILABLE"
        return int(state["version"])

    def could_answer(self, answered: Answered) -> set[int]:
        """The versions of the last stand that was sure when the request was sent, and of all until it was answered."""
        sure = [
            place for place, s in enumerate(self.stands) if s.sure_seconds and s.sure_seconds <= answered.asked_seconds
        ]
        begun = [place for place, s in enumerate(self.stands) if s.since_seconds <= answered.answered_seconds]
        return {stand.version for stand in self.stands[sure[-1] : begun[-1] + 1]}


@pytest.fixture
def loop(start_gateway: StartGateway, own_models: Path) -> Loop:
    set_label(own_models, MODEL, "stable", 1, by="test", reason="", now=datetime.now(UTC))
    since = time.monotonic()
    loop = Loop(start_gateway("--models", str(own_models)), own_models)
    loop.stood(since, sure=True)
    return loop


def test_a_loop_of_publishing_promoting_rolling_back_and_pruning_fails_nobody(
    loop: Loop, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(SEED)
    works: list[Callable[[], None]] = [
        loop.publish_and_promote,
        loop.roll_back,
        loop.flip,
        loop.publish_only,
        loop.prune,
    ]
    done: list[str] = []
    with clients_asking(loop.gateway.url, MODEL, golden_instance(loop.models, MODEL), (None, "stable")) as asking:
        for _ in range(ROUNDS):
            chance.shuffle(works)
            for work in works:
                done.append(work.__name__)
                work()
    answers = [answer for answers in asking.answers for answer in answers]
    with capsys.disabled():
        print(f"\n{len(done)} changes, {len({a.version for a in answers})} versions, {len(answers)} answers")  # noqa: T201 - a figure for whoever looks
    wrong = [answer for answer in answers if answer.version not in loop.could_answer(answer)]
    assert not wrong, (wrong[:3], loop.stands[-20:])
    assert len({answer.version for answer in answers}) > ROUNDS // 2
