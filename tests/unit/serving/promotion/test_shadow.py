import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from serving.backends.prediction_log import LoggedPrediction, prediction_log
from serving.contract.manifest import Manifest, render_manifest
from serving.contract.tfrecord import tfrecord
from serving.errors import (
    IntegrityError,
    PublishError,
)
from serving.model_store.labels import read_labels
from serving.model_store.traffic import Traffic, read_traffic, set_traffic
from serving.promotion.promote import Beyond, promote
from serving.promotion.shadow import ShadowOrder
from tests.unit.serving.promotion.little_gateway import (
    MODEL,
    NOON,
    LittleGateway,
    journal,
    order,
    patience,
    steps_of,
)


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
    examples = manifest_with(version=2, files={"saved_model.pb": hashlib.sha256(b"\x08\x01").hexdigest()})
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
