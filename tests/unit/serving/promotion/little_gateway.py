"""A gateway that is a few lines long and follows labels.json as the real one does, and orders to promote by it."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from pydantic import JsonValue

from serving.backend_protocol import Arrays, VersionState
from serving.contract.manifest import GoldenExample, Tolerance
from serving.errors import (
    BackendRejected,
    PenstockError,
)
from serving.model_store.audit import PromotionStep, read_audit
from serving.model_store.labels import read_labels
from serving.model_store.traffic import read_traffic
from serving.observability.version_cells import LATENCY
from serving.promotion.gateway_protocol import Answers, Mirrored, VersionSeen
from serving.promotion.journal import Journal
from serving.promotion.patience import Patience
from serving.promotion.promote import Order
from serving.traffic.figures import VersionFigures

NOON = datetime(2030, 1, 2, 12, 0, tzinfo=UTC)
MODEL = "doubles"
EXAMPLES = tuple(
    GoldenExample(instance=float(x), outputs={"value": [2.0 * x]}, tolerance=Tolerance(absolute=1e-6, relative=0))
    for x in range(3)
)


@dataclass
class LittleGateway:
    """Doubles numbers. Loads a version `slowness` looks after a label points at it; `error` is why it does not."""

    models: Path
    slowness: int = 0
    error: str = ""
    factor: float = 2.0
    deaf: bool = False
    refusals: list[PenstockError] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    marked: list[int] = field(default_factory=list)
    picky: bool = False
    failing: float = 0.0
    asked: Counter[int] = field(default_factory=Counter)
    seen: int = 0

    def looks(self) -> int:
        return 2

    def version(self, model: str, version: int) -> VersionSeen | None:
        labels = read_labels(self.models, model)
        self.marked.append(labels.get("candidate", 0))
        if version not in labels.values():
            return None
        self.slowness -= 1
        state = VersionState.LOADING if self.slowness >= 0 else VersionState.AVAILABLE
        return VersionSeen(VersionState.END if self.error else state, self.error)

    def max_batch_rows(self, model: str, version: int) -> int:
        assert (model, version) == (MODEL, 2)
        return 8

    def predict(self, model: str, name: int | str, instances: Sequence[JsonValue]) -> Answers:
        assert (model, name) == (MODEL, 2)
        if self.refusals:
            raise self.refusals.pop()
        self.sizes.append(len(instances))
        return Answers(2, tuple([self.factor * x] for x in instances if isinstance(x, float)))

    def replay(self, model: str, version: int, signature: str, inputs: Arrays) -> Arrays:
        assert (model, signature) == (MODEL, "serving_default")
        x = inputs["x"].astype(np.float64)
        if np.isnan(x).any() or (version == 2 and self.picky and (x < 0).any()):
            raise BackendRejected("no")
        return {"value": x * (self.factor if version == 2 else 2.0)}

    def figures(self, model: str) -> Mapping[int, VersionFigures]:
        assert model == MODEL
        assert read_traffic(self.models, model).counted
        labels = read_labels(self.models, model)
        self.asked[labels["stable"]] += 100
        usual = self.asked[1]
        return {1: figures_of(usual, usual * 0.01), 2: figures_of(self.asked[2], self.asked[2] * self.failing)}

    def mirrored(self, model: str, version: int) -> Mirrored | None:
        shadow = read_traffic(self.models, model).shadow
        if shadow is None:
            return None
        assert (model, version, shadow.label, shadow.fraction) == (MODEL, 2, "candidate", 1.0)
        self.seen += 10
        return Mirrored(100 + self.seen, self.seen // 10, self.seen // 10 if self.picky else 0)

    def answering(self, model: str, label: str | None) -> int | None:
        return None if self.deaf or label is None else read_labels(self.models, model).get(label)


def figures_of(requests: float, errors: float) -> VersionFigures:
    """All of them answered within the first bin's time."""
    return VersionFigures(requests, errors, 0, (requests, *[0.0] * len(LATENCY)))


def patience() -> Patience:
    """Ten looks, a second apart."""
    seconds = itertools.count()
    return Patience(10, clock=lambda: float(next(seconds)), sleep=lambda _: None)


def order(models: Path, label: str = "stable") -> Order:
    return Order(models, MODEL, 2, label, "test", "better", lambda: NOON)


def journal(models: Path, written: list[str]) -> Journal:
    return Journal(models, MODEL, 2, by="test", now=lambda: NOON, write=written.append)


def steps_of(models: Path) -> list[PromotionStep]:
    return [entry.step for entry in read_audit(models, MODEL) if entry.step]
