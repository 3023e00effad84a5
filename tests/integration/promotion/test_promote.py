"""`penstock models promote` and `rollback` against a real gateway, while 8 clients ask."""

import re
from pathlib import Path

import numpy as np
import pytest

from serving.backends.prediction_log import LoggedPrediction, prediction_log
from serving.contract.tfrecord import tfrecord
from serving.model_store.audit import read_audit
from serving.model_store.labels import read_labels
from serving.model_store.traffic import NO_TRAFFIC, read_traffic
from tests.integration.promotion.conftest import Promote
from tests.processes import StartGateway, penstock
from tests.swaps import clients_asking, golden_instance

PROMISED_SECONDS = 3.0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_promotions_and_roll_backs_under_load_fail_nobody(
    start_gateway: StartGateway, pinned_models: Path, promote: Promote, workers: str
) -> None:
    gateway = start_gateway("--models", str(pinned_models), "--workers", workers)
    with clients_asking(gateway.url, "digits", golden_instance(pinned_models, "digits")) as asking:
        printed, _ = promote(gateway, 2)
        rolled = penstock("models", "rollback", "digits", "--models", str(pinned_models), "--gateway", gateway.url)
    print(printed, rolled.stdout)  # noqa: T201 - figures for whoever looks
    assert re.findall(r"\d/6 ([a-z ]+) \.\.\. ok \d+\.\d\d s", printed) == [
        "checksums",
        "loaded",
        "batch sizes",
        "golden examples",
        "label stable",
        "answering",
    ]
    assert "1, 2, 4, 8, 16, 32, 64 rows" in printed
    assert re.search(r"^answering with version 1 after \d\.\d s$", rolled.stdout, re.MULTILINE)
    assert read_labels(pinned_models, "digits") == {"stable": 1}
    for answers in asking.answers:
        assert {answer.version for answer in answers} <= {1, 2}
        assert answers[-1].version == 1


def test_what_does_not_pass_leaves_the_label_and_fails_nobody(
    start_gateway: StartGateway, pinned_models: Path, promote: Promote
) -> None:
    gateway = start_gateway("--models", str(pinned_models))
    (pinned_models / "digits/3/saved_model.pb").write_bytes(b"changed since")
    with clients_asking(gateway.url, "digits", golden_instance(pinned_models, "digits")) as asking:
        refusals = {version: promote(gateway, version, code=1) for version in (3, 4, 5)}
    assert "saved_model.pb is changed" in refusals[3][1]
    assert "golden example 1 of 1 is answered otherwise" in refusals[4][1]
    assert "the gateway cannot load it" in refusals[5][1]
    assert all(printed.endswith("stable of digits stays at 1\n") for printed, _ in refusals.values())
    assert read_labels(pinned_models, "digits") == {"stable": 1}
    assert {answer.version for answers in asking.answers for answer in answers} == {1}
    kept = [(entry.version, entry.step.name) for entry in read_audit(pinned_models, "digits") if entry.step]
    assert kept == [
        (3, "checksums"),
        (4, "checksums"),
        (4, "loaded"),
        (4, "batch sizes"),
        (4, "golden examples"),
        (5, "checksums"),
        (5, "loaded"),
    ]


def test_offline_the_golden_examples_are_answered_in_the_command_itself(pinned_models: Path) -> None:
    penstock("models", "promote", "digits", "2", "--offline", "--models", str(pinned_models))
    assert read_labels(pinned_models, "digits") == {"stable": 2}
    for version, said in ((4, "golden example 1 of 1"), (5, "is not a SavedModel")):
        refused = penstock(
            "models", "promote", "digits", str(version), "--offline", "--models", str(pinned_models), code=1
        )
        assert said in refused.stderr, refused.stderr
    assert read_labels(pinned_models, "digits") == {"stable": 2}


def test_requests_recorded_or_mirrored_are_compared_before_the_move_and_the_version_is_watched_after_it(
    start_gateway: StartGateway, pinned_models: Path, promote: Promote, tmp_path: Path
) -> None:
    gateway, recorded = start_gateway("--models", str(pinned_models)), tmp_path / "recorded"
    rows = np.linspace(0, 16, 12 * 64, dtype=np.float32).reshape(12, 1, 8, 8)
    logged = [LoggedPrediction("digits", "serving_default", {"image": row}) for row in rows]
    recorded.write_bytes(b"".join(tfrecord(prediction_log(each)) for each in logged))
    with clients_asking(gateway.url, "digits", golden_instance(pinned_models, "digits")):
        exact = ("--most-different", "0", "--watch", "1.5")
        printed = [
            promote(gateway, 2, "--shadow", "10", "--requests", str(recorded), *exact)[0],
            promote(gateway, 3, "--shadow", "10", *exact)[0],
        ]
    print(*printed)  # noqa: T201 - figures for whoever looks
    assert re.search(r"5/8 recorded requests \.\.\. ok .* 10 compared, 0 answered otherwise", printed[0])
    assert re.search(r"5/8 mirrored requests \.\.\. ok .* \d\d+ compared, 0 answered otherwise", printed[1])
    for lines in printed:
        assert re.search(r"8/8 watch \.\.\. (ok|not checked) .* nothing worse so far", lines)
    assert read_labels(pinned_models, "digits") == {"stable": 3}
    assert read_traffic(pinned_models, "digits") == NO_TRAFFIC
