"""A model directory in which everything changes at once, by the store's own verbs."""

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from serving.errors import PublishError
from serving.model_store.labels import read_labels, set_label
from serving.model_store.prune import prune
from serving.model_store.rollback import rollback
from serving.model_store.versions import list_versions
from tests.integration.chaos.faults.fault import NOBODY
from tests.integration.chaos.questions import Outcome
from tests.swaps import publish_again

MODEL = "doubles"


@dataclass(frozen=True)
class PublishingStorm:
    """Versions published, labels moved, rolled back and pruned, faster than the gateway looks."""

    models: Path
    chance: random.Random
    changes: int
    name: str = "directory: publishing storm"
    lasts: bool = False
    harm: frozenset[Outcome] = NOBODY
    recovers_seconds: float = 2.0

    def begin(self) -> None:
        works: list[Callable[[], object]] = [
            self.publish,
            self.publish,
            self.move,
            self.move,
            self.roll_back,
            self.prune,
        ]
        for _ in range(self.changes):
            self.chance.choice(works)()

    def end(self) -> None:
        """Requests that name no version are answered by the newest again, and the directory is small."""
        self.prune()

    def publish(self) -> None:
        publish_again(self.models, MODEL)

    def move(self) -> None:
        version = self.chance.choice(list_versions(self.models, MODEL))
        set_label(self.models, MODEL, "stable", version, by="storm", reason="", now=datetime.now(UTC))

    def roll_back(self) -> None:
        if "stable" in read_labels(self.models, MODEL):
            with suppress(PublishError):  # none is left that was not rolled back from
                rollback(self.models, MODEL, by="storm", reason="", now=datetime.now(UTC))

    def prune(self) -> None:
        prune(self.models, MODEL, keep=2, by="storm", reason="", now=datetime.now(UTC))
