"""What befalls a model directory while 8 clients ask: nobody fails, the old version goes on, and the reason is told.

PENSTOCK_TEST_AWAY_SECONDS is how long the directory stays away once the gateway has noticed (`make chaos`: 10).
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.contract.model_directory import VersionPaths
from serving.errors import IntegrityError, PublishError
from serving.model_store.labels import set_label
from tests.processes import GatewayProcess, StartGateway
from tests.swaps import clients_asking, golden_instance, publish_again, until

AWAY_SECONDS = float(os.environ.get("PENSTOCK_TEST_AWAY_SECONDS", "0"))
MODEL = "digits"


@pytest.fixture
def gateway(start_gateway: StartGateway, own_models: Path) -> Iterator[GatewayProcess]:
    """Asked by 8 clients while the test lasts; they all must have been answered, and by live versions alone."""
    gateway = start_gateway("--models", str(own_models))
    with clients_asking(gateway.url, MODEL, golden_instance(own_models, MODEL)) as asking:
        until(lambda: len(asking.answers) == 8 and all(asking.answers))
        yield gateway
    assert {answer.version for answers in asking.answers for answer in answers} <= {1, 2, 3}


def error_of(gateway: GatewayProcess, version: int) -> str:
    """Why the version is not live; empty while it is, or while nothing is known of it."""
    states = gateway.get(f"/v1/models/{MODEL}")["model_version_status"]
    return next((state["status"]["error_message"] for state in states if state["version"] == str(version)), "")


def answering(gateway: GatewayProcess) -> int:
    return int(gateway.get(f"/v1/models/{MODEL}/metadata")["model_spec"]["version"])


def not_a_graph(staged: VersionPaths) -> None:
    staged.saved_model.write_bytes(b"not a SavedModel")


def no_weights(staged: VersionPaths) -> None:
    next(staged.root.glob("variables/variables.data-*")).unlink()


def no_weights_index(staged: VersionPaths) -> None:
    (staged.root / "variables" / "variables.index").unlink()


@pytest.mark.parametrize("spoil", [not_a_graph, no_weights, no_weights_index])
def test_a_broken_version_is_reported_with_its_reason_and_the_old_one_serves(
    gateway: GatewayProcess, own_models: Path, spoil: Callable[[VersionPaths], None]
) -> None:
    assert publish_again(own_models, MODEL, spoil=spoil) == 2
    until(lambda: bool(error_of(gateway, 2)))
    assert answering(gateway) == 1
    assert str(own_models) not in error_of(gateway, 2)
    state = f'penstock_model_state{{model_name="{MODEL}",model_version="2",state="END"}} 1.0'
    assert state in gateway.get("/metrics")
    assert any("version 2 cannot be loaded: " in line for line in gateway.log)


def test_a_corrupt_manifest_keeps_its_version_out(gateway: GatewayProcess, own_models: Path) -> None:
    publish_again(own_models, MODEL)
    until(lambda: answering(gateway) == 2)
    hidden, shown = own_models / MODEL / ".3", own_models / MODEL / "3"
    shutil.copytree(own_models / MODEL / "2", hidden)
    (hidden / "assets.extra" / "manifest.json").write_text('{"schema_version": 1, ')
    hidden.rename(shown)
    until(lambda: "manifest.json" in error_of(gateway, 3))
    assert answering(gateway) == 2


def test_labels_half_written_by_somebody_else_leave_the_last_good_ones(
    gateway: GatewayProcess, own_models: Path
) -> None:
    labels = own_models / MODEL / "labels.json"
    set_label(own_models, MODEL, "stable", 1, by="test", reason="", now=datetime.now(UTC))
    publish_again(own_models, MODEL)
    until(lambda: gateway.get("/v1/models")["models"][-1]["versions"] == ["1", "2"])
    labels.write_text('{"stable": ')
    until(lambda: any("labels.json: not JSON" in line for line in gateway.log))
    assert answering(gateway) == 1
    with pytest.raises(IntegrityError, match="not JSON"):  # which the store does not write over
        set_label(own_models, MODEL, "stable", 2, by="test", reason="", now=datetime.now(UTC))
    labels.write_text('{"stable": 2}')
    until(lambda: answering(gateway) == 2)


def test_a_directory_that_is_away_for_a_while_takes_nothing_away(gateway: GatewayProcess, own_models: Path) -> None:
    away = own_models.rename(own_models.with_name("away"))
    until(lambda: any("model directory cannot be read" in line for line in gateway.log))
    time.sleep(AWAY_SECONDS)
    assert answering(gateway) == 1
    away.rename(own_models)
    publish_again(own_models, MODEL)
    until(lambda: answering(gateway) == 2)


@pytest.mark.parametrize("file", ["highest_version", "labels.json"])
def test_a_disk_that_is_full_publishes_and_moves_nothing_until_there_is_room(
    gateway: GatewayProcess, own_models: Path, file: str
) -> None:
    """/dev/full is a file on a full disk: the kernel refuses every byte with ENOSPC."""
    full = own_models / MODEL / f".{file}.tmp"
    full.symlink_to("/dev/full")

    def change() -> None:
        version = publish_again(own_models, MODEL)
        set_label(own_models, MODEL, "stable", version, by="test", reason="", now=datetime.now(UTC))

    with pytest.raises(PublishError, match="no space left on the model directory's volume; prune versions or grow it"):
        change()
    assert answering(gateway) in (1, 2)
    assert not [path.name for path in (own_models / MODEL).iterdir() if path.name.startswith(".staging")]
    full.unlink(missing_ok=True)
    change()
    until(lambda: answering(gateway) == (2 if file == "highest_version" else 3))
