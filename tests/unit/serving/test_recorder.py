"""Who is sampled: by the model's settings, and nobody without them."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from serving.batching.waiting import Answer, Receipt
from serving.catalog import Servable
from serving.contract.manifest import Histogram, Manifest
from serving.model_settings import ModelSettings
from serving.observability.drift_cells import read
from serving.observability.drift_watch import DriftWatch
from serving.observability.families import DRIFT, summed
from serving.observability.ledger import private_ledger
from serving.observability.prediction_log import PredictionLog
from serving.observability.prediction_log_files import Limits, PredictionFiles
from serving.recorder import Recorder
from tests.unit.serving.gateway_parts import SIGNATURE, ask, ask_without_task, started_parts

DEFAULT = "serving_default"
ANSWER = Answer({"value": np.array([[2.0]], np.float32)}, Receipt(0.0, 0.0, 1), all_finite=True)
INPUTS = {"x": np.array([1.0], np.float32)}
SKETCH = Histogram(edges=(0.0, 1.0, 2.0), counts=(50, 50))


@dataclass
class Desk:
    recorder: Recorder
    log: PredictionLog
    drift: DriftWatch
    folder: Path
    drawn: list[float]

    def logged(self) -> list[dict[str, object]]:
        self.log.outbox.start()
        self.log.outbox.close()
        return [json.loads(line) for path in self.folder.glob("[!.]*") for line in path.read_text().splitlines()]

    def watched_rows(self) -> list[int]:
        self.drift.outbox.start()
        self.drift.outbox.close()
        ledger = private_ledger()
        self.drift.publish(ledger.own, [("doubles", 1)])
        return [drift.rows for drift in read(summed(ledger.read())[DRIFT])]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    log = PredictionLog(PredictionFiles(tmp_path / "log", Limits(10**6, 60.0, 10**9)))
    drift, drawn = DriftWatch(1_000), [0.5]
    return Desk(Recorder(log, drift, lambda: drawn[0]), log, drift, tmp_path / "log", drawn)


@pytest.fixture
def servable(manifest_with: Callable[..., Manifest]) -> Servable:
    return Servable("doubles", 1, manifest_with(version=1, sketches={"x": SKETCH}), {DEFAULT: SIGNATURE})


def with_settings(servable: Servable, **settings: object) -> Servable:
    return replace(servable, settings=ModelSettings.model_validate(settings))


def test_a_model_that_is_not_sampled_has_no_witness(desk: Desk, servable: Servable) -> None:
    assert desk.recorder.beside(None, servable, DEFAULT) is None
    without = Recorder(None, None)
    sampled = with_settings(servable, prediction_log_share=1, drift_share=1)
    assert without.beside(None, sampled, DEFAULT) is None


def test_a_share_of_the_requests_is_logged(desk: Desk, servable: Servable) -> None:
    witness = desk.recorder.beside(None, with_settings(servable, prediction_log_share=0.5), DEFAULT)
    assert witness is not None
    for desk.drawn[0], request_id in ((0.4, "in"), (0.5, "out"), (0.0, "in too")):
        witness.answered(INPUTS, ANSWER, 0.0, request_id)
    assert [line["request_id"] for line in desk.logged()] == ["in", "in too"]


def test_what_is_redacted_never_gets_there(desk: Desk, servable: Servable) -> None:
    settings = {"prediction_log_share": 1, "prediction_log_redact": ["x"]}
    witness = desk.recorder.beside(None, with_settings(servable, **settings), DEFAULT)
    assert witness is not None
    witness.answered(INPUTS, ANSWER, 0.0, "a")
    assert [(line["inputs"], line["outputs"]) for line in desk.logged()] == [({}, {"value": [2.0]})]


def test_a_signature_without_what_is_to_be_redacted_is_not_logged_and_that_is_said_once(
    desk: Desk, servable: Servable, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = with_settings(servable, prediction_log_share=1, prediction_log_redact=["X"])
    assert [desk.recorder.beside(None, wrong, DEFAULT) for _ in range(3)] == [None] * 3
    assert caplog.messages == [
        "model doubles version 1: predictions by serving_default are not logged: it has no X to redact"
    ]


def test_drift_is_watched_beside_the_log_and_whoever_was_there(desk: Desk, servable: Servable) -> None:
    told: list[str] = []

    class There:
        def answered(self, *arguments: object) -> None:
            told.append(str(arguments[-1]))

        def failed(self, error: Exception) -> None:
            told.append(str(error))

    both = with_settings(servable, prediction_log_share=1, drift_share=1)
    witness = desk.recorder.beside(There(), both, DEFAULT)
    assert witness is not None
    witness.answered(INPUTS, ANSWER, 0.0, "a")
    assert (told, len(desk.logged()), desk.watched_rows()) == (["a"], 1, [1])


def test_without_a_manifest_or_a_sketch_there_is_no_drift(desk: Desk, servable: Servable) -> None:
    watched = with_settings(servable, drift_share=1)
    assert desk.recorder.beside(None, replace(watched, manifest=None), DEFAULT) is None
    assert desk.recorder.beside(None, watched, "classify") is None


@pytest.mark.parametrize("send", [ask, ask_without_task], ids=["task", "without_task"])
def test_a_request_over_rest_is_logged_under_its_id(
    desk: Desk,
    tmp_path: Path,
    write_version: Callable[[Manifest], None],
    manifest_with: Callable[..., Manifest],
    send: Callable[..., object],
) -> None:
    write_version(manifest_with(version=1))
    settings = {"doubles": ModelSettings(prediction_log_share=1)}

    async def asked() -> None:
        parts = await started_parts(tmp_path / "models", recorder=desk.recorder, settings=settings)
        given = {"headers": {"x-request-id": "mine-7"}, "path_params": {"model": "doubles"}}
        await send(parts.endpoint, body={"instances": [1, 2]}, **given)  # type: ignore[misc]  # either is awaited

    asyncio.run(asked())
    assert [(line["request_id"], line["row"], line["inputs"]) for line in desk.logged()] == [
        ("mine-7", 0, {"x": 1.0}),
        ("mine-7", 1, {"x": 2.0}),
    ]
