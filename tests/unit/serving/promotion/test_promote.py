"""The steps of a promotion over a gateway that is a few lines long, and follows labels.json as the real one does."""

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from pydantic import JsonValue

from serving.backend_protocol import Arrays, VersionState
from serving.backends.prediction_log import LoggedPrediction, prediction_log
from serving.contract.manifest import GoldenExample, Manifest, Tolerance, render_manifest
from serving.contract.tfrecord import tfrecord
from serving.errors import (
    BackendRejected,
    IntegrityError,
    Overloaded,
    PayloadTooLarge,
    PenstockError,
    PublishError,
    UnknownVersion,
)
from serving.model_store.audit import PromotionStep, read_audit
from serving.model_store.labels import LabelMove, read_labels, set_label
from serving.model_store.lock import claimed
from serving.model_store.rollback import rollback
from serving.model_store.traffic import Traffic, read_traffic, set_traffic
from serving.observability.version_cells import LATENCY
from serving.promotion.gateway_protocol import Answers, Mirrored, VersionSeen
from serving.promotion.journal import Journal
from serving.promotion.patience import Patience
from serving.promotion.promote import Beyond, Order, promote, promote_offline
from serving.promotion.shadow import ShadowOrder
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


@pytest.fixture
def models(tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]) -> Path:
    """Versions 1 and 2, `stable` at 1."""
    write_version(manifest_with(version=1, golden_examples=EXAMPLES))
    write_version(
        manifest_with(
            version=2, golden_examples=EXAMPLES, files={"saved_model.pb": hashlib.sha256(b"graph").hexdigest()}
        )
    )
    set_label(tmp_path / "models", MODEL, "stable", 1, by="test", reason="", now=NOON)
    return tmp_path / "models"


@pytest.fixture
def gateway(models: Path) -> LittleGateway:
    return LittleGateway(models)


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


def test_a_version_that_passes_gets_the_label_and_each_step_is_told_and_kept(
    models: Path, gateway: LittleGateway
) -> None:
    written: list[str] = []
    gateway.slowness = 3
    assert promote(order(models), gateway, patience(), journal(models, written)) == LabelMove("stable", 2, 1)
    assert read_labels(models, MODEL) == {"stable": 2}
    assert [(step.name, step.outcome) for step in steps_of(models)] == [
        (name, "ok") for name in ("checksums", "loaded", "batch sizes", "golden examples", "label stable", "answering")
    ]
    assert written[::2] == [f"{n}/6 {step.name} ... " for n, step in enumerate(steps_of(models), 1)]
    assert sorted(set(gateway.sizes)) == [1, 2, 3, 4, 8]


@pytest.mark.parametrize("label", ["stable", "canary"])
@pytest.mark.parametrize(
    ("trouble", "step", "said"),
    [
        ({"error": "no graph"}, "loaded", "cannot load it: no graph"),
        ({"slowness": 99}, "loaded", "not available after 10 s: it is LOADING"),
        ({"factor": 2.1}, "golden examples", "golden example 2 of 3 .* value\\[0\\]: 2.1 where 2 was expected"),
        ({"deaf": True}, "answering", "does not answer \\w+ with version 2"),
        ({"refusals": [Overloaded("full", retry_after_seconds=1)] * 99}, "batch sizes", "no answer within 10 s: full"),
    ],
)
def test_a_step_that_fails_leaves_the_labels_where_they_were(
    models: Path, trouble: dict[str, object], step: str, said: str, label: str
) -> None:
    gateway = LittleGateway(models, **trouble)  # type: ignore[arg-type] # each by its own name
    with pytest.raises(PublishError, match=said):
        promote(order(models, label), gateway, patience(), journal(models, []))
    assert read_labels(models, MODEL) == {"stable": 1}
    assert (steps_of(models)[-1].name, steps_of(models)[-1].outcome) == (step, "failed")


def test_the_label_of_the_checks_is_there_while_they_last_and_goes_back_to_whoever_had_it(
    models: Path, gateway: LittleGateway
) -> None:
    set_label(models, MODEL, "candidate", 1, by="test", reason="", now=NOON)
    promote(order(models), gateway, patience(), journal(models, []))
    assert set(gateway.marked) == {2}
    assert read_labels(models, MODEL) == {"stable": 2, "candidate": 1}


def test_changed_files_end_it_before_the_gateway_is_asked(models: Path, gateway: LittleGateway) -> None:
    (models / MODEL / "2" / "saved_model.pb").write_bytes(b"other")
    with pytest.raises(PenstockError, match=r"saved_model.pb is changed: .*publish the version again"):
        promote(order(models), gateway, patience(), journal(models, []))
    assert not gateway.marked


def test_a_version_that_is_not_there_is_named_with_those_that_are(models: Path, gateway: LittleGateway) -> None:
    nowhere = Order(models, MODEL, 9, "stable", "test", "", lambda: NOON)
    with pytest.raises(UnknownVersion, match="there are: 1, 2"):
        promote(nowhere, gateway, patience(), journal(models, []))


def test_sizes_too_large_for_one_body_are_said(models: Path, gateway: LittleGateway) -> None:
    gateway.refusals = [PayloadTooLarge("too large"), Overloaded("full", retry_after_seconds=1)]
    promote(order(models), gateway, patience(), journal(models, []))
    assert "2, 4, 8 rows;" in steps_of(models)[2].detail
    assert "1 rows are more than the gateway takes" in steps_of(models)[2].detail


def test_a_promotion_that_failed_after_the_move_is_not_rolled_back_to(models: Path, gateway: LittleGateway) -> None:
    gateway.deaf = True
    with pytest.raises(PublishError):
        promote(order(models), gateway, patience(), journal(models, []))
    with pytest.raises(PublishError, match="no earlier version is left"):
        rollback(models, MODEL, by="test", reason="", now=NOON)


def test_one_promotion_of_a_model_at_a_time(models: Path, gateway: LittleGateway) -> None:
    with claimed(models / MODEL / ".promoting"), pytest.raises(PublishError, match="another promotion of 'doubles'"):
        promote(order(models), gateway, patience(), journal(models, []))


def test_offline_the_examples_are_answered_by_what_is_handed_in(models: Path) -> None:
    def doubled(instances: Sequence[JsonValue]) -> Sequence[JsonValue]:
        return [{"value": [2.0 * x]} for x in instances if isinstance(x, float)]

    promote_offline(order(models), doubled, patience(), journal(models, []))
    assert read_labels(models, MODEL) == {"stable": 2}
    assert [step.name for step in steps_of(models)] == ["checksums", "golden examples", "label stable"]


def test_what_cannot_be_checked_is_said_and_stops_nothing(models: Path) -> None:
    (models / MODEL / "2" / "assets.extra" / "manifest.json").unlink()
    promote_offline(order(models), lambda _: (), patience(), journal(models, []))
    assert [step.outcome for step in steps_of(models)] == ["not checked", "not checked", "ok"]


def recording(tmp_path: Path, *rows: float) -> Path:
    file = tmp_path / "recorded"
    logged = [
        LoggedPrediction(model, "serving_default", {"x": np.array([x], np.float32)})
        for x in rows
        for model in (MODEL, "other")
    ]
    file.write_bytes(b"".join(tfrecord(prediction_log(each)) for each in logged))
    return file


def test_recorded_requests_are_sent_to_both_versions_and_compared(
    models: Path, gateway: LittleGateway, tmp_path: Path
) -> None:
    shadow = ShadowOrder(3, recording(tmp_path, 1.0, float("nan"), 2.0, 3.0), most_different=0.0)
    promote(order(models), gateway, patience(), journal(models, []), Beyond(shadow))
    step = steps_of(models)[4]
    assert (step.name, step.outcome, step.detail) == ("recorded requests", "ok", "2 compared, 0 answered otherwise")


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ({"factor": 2.5}, "2 compared, 2 answered otherwise, and 50% may be"),
        ({"picky": True}, "2 compared, 0 answered otherwise, 1 not answered: no"),
    ],
)
def test_recorded_requests_that_are_answered_too_differently_or_not_at_all_stop_it(
    models: Path, tmp_path: Path, trouble: dict[str, object], said: str, manifest_with: Callable[..., Manifest]
) -> None:
    examples = manifest_with(version=2, files={"saved_model.pb": hashlib.sha256(b"graph").hexdigest()})
    (models / MODEL / "2" / "assets.extra" / "manifest.json").write_bytes(render_manifest(examples))
    gateway = LittleGateway(models, **trouble)  # type: ignore[arg-type] # each by its own name
    shadow = ShadowOrder(9, recording(tmp_path, 1.0, -2.0), most_different=0.5)
    with pytest.raises(PublishError, match=said):
        promote(order(models), gateway, patience(), journal(models, []), Beyond(shadow))
    assert read_labels(models, MODEL) == {"stable": 1}


def test_a_file_that_is_no_recording_stops_it(models: Path, gateway: LittleGateway, tmp_path: Path) -> None:
    (tmp_path / "recorded").write_bytes(b"nothing of the kind")
    shadow = ShadowOrder(1, tmp_path / "recorded", most_different=1.0)
    with pytest.raises(IntegrityError, match="record 1"):
        promote(order(models), gateway, patience(), journal(models, []), Beyond(shadow))


def test_live_requests_are_mirrored_while_the_step_lasts(models: Path, gateway: LittleGateway) -> None:
    usual = Traffic(split={"stable": 1})
    set_traffic(models, MODEL, usual, by="test", reason="", now=NOON)
    shadow = ShadowOrder(40, None, most_different=0.1)
    promote(order(models), gateway, patience(), journal(models, []), Beyond(shadow))
    step = steps_of(models)[4]
    assert (step.name, step.detail) == ("mirrored requests", "40 compared, 4 answered otherwise")
    assert read_traffic(models, MODEL) == usual


@pytest.mark.parametrize(
    ("requests", "picky", "said"),
    [(999, False, "999 requests were to be mirrored: .* within 10 s"), (40, True, "4 not answered"),
     (40, False, "40 compared, 4 answered otherwise, and 5% may be")],
)  # fmt: skip
def test_too_few_or_unlike_mirrored_requests_stop_it_and_the_traffic_goes_back(
    models: Path, requests: int, said: str, *, picky: bool
) -> None:
    gateway = LittleGateway(models, picky=picky)
    with pytest.raises(PublishError, match=said):
        promote(order(models), gateway, patience(), journal(models, []), Beyond(ShadowOrder(requests, None, 0.05)))
    assert read_traffic(models, MODEL) == Traffic()
    assert read_labels(models, MODEL) == {"stable": 1}


def test_a_version_that_does_well_while_watched_keeps_the_label(models: Path, gateway: LittleGateway) -> None:
    promote(order(models), gateway, patience(), journal(models, []), Beyond(watch=patience()))
    assert read_labels(models, MODEL) == {"stable": 2}
    assert steps_of(models)[-1].name == "watch"
    assert "nothing worse so far" in steps_of(models)[-1].detail


def test_a_version_that_does_worse_than_the_one_before_loses_the_label(models: Path, gateway: LittleGateway) -> None:
    gateway.failing = 0.5
    with pytest.raises(PublishError, match=r"version 2 is worse than 1: .* of its requests failed against 1\.00%"):
        promote(order(models), gateway, patience(), journal(models, []), Beyond(watch=patience()))
    assert read_labels(models, MODEL) == {"stable": 1}
    back = read_audit(models, MODEL)[-1]
    assert (back.action, back.previous_version, back.version) == ("rolled_back", 2, 1)
    assert "is worse than 1" in back.reason


def test_the_first_version_with_a_label_has_nothing_to_be_watched_against(models: Path, gateway: LittleGateway) -> None:
    promote(order(models, "canary"), gateway, patience(), journal(models, []), Beyond(watch=patience()))
    assert steps_of(models)[-1].outcome == "not checked"
