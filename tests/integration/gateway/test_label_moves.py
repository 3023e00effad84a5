"""Labels that move to a version which must be loaded first: nobody fails, and the move is seen within seconds."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.model_store.labels import set_label
from serving.model_store.rollback import rollback
from tests.processes import GatewayProcess, StartGateway
from tests.swaps import clients_asking, golden_instance, publish_again, until

BOUND_SECONDS = 30.0
"""Ten times what a move is promised to take."""


@pytest.fixture
def pinned_models(own_models: Path) -> Path:
    """Versions 1, 2 and 3 of digits, `stable` at 1: 1 and 3 are loaded, 2 is not."""
    set_label(own_models, "digits", "stable", 1, by="test", reason="hold", now=datetime.now(UTC))
    assert [publish_again(own_models, "digits") for _ in range(2)] == [2, 3]
    return own_models


def answering(gateway: GatewayProcess, body: bytes) -> int:
    status, answer, headers = gateway.post("/v1/models/digits:predict", body)
    assert status == 200, answer
    return int(headers["x-model-version"])


def wait_for(gateway: GatewayProcess, version: int, body: bytes) -> float:
    started = time.monotonic()
    while answering(gateway, body) != version:
        assert time.monotonic() < started + BOUND_SECONDS, f"version {version} does not answer"
    return time.monotonic() - started


def loaded(gateway: GatewayProcess) -> set[str]:
    return {state["version"] for state in gateway.get("/v1/models/digits")["model_version_status"]}


def wait_until_loaded(gateway: GatewayProcess, versions: set[str]) -> None:
    deadline = time.monotonic() + BOUND_SECONDS
    while (found := loaded(gateway)) != versions:
        assert time.monotonic() < deadline, found


def test_promoting_and_rolling_back_to_what_is_not_loaded_fails_nobody(
    start_gateway: StartGateway, pinned_models: Path
) -> None:
    gateway, instance = start_gateway("--models", str(pinned_models)), golden_instance(pinned_models, "digits")
    body = json.dumps({"instances": [instance]}).encode()
    wait_until_loaded(gateway, {"1", "3"})
    with clients_asking(gateway.url, "digits", instance) as asking:
        set_label(pinned_models, "digits", "stable", 2, by="test", reason="", now=datetime.now(UTC))
        forth = wait_for(gateway, 2, body)
        wait_until_loaded(gateway, {"2", "3"})
        assert rollback(pinned_models, "digits", by="test", reason="", now=datetime.now(UTC)).version == 1
        back = wait_for(gateway, 1, body)
        until(lambda: all(answers[-1].version == 1 for answers in asking.answers))
    print(f"promoted in {forth:.2f} s, back in {back:.2f} s, {sum(map(len, asking.answers))} requests")  # noqa: T201 - a figure for whoever looks
    for answers in asking.answers:
        versions = [answer.version for answer in answers]
        changes = [now for last, now in zip([0, *versions], versions, strict=False) if now != last]
        assert changes == [1, 2, 1]


def test_a_label_that_moves_to_a_broken_version_stays_where_it_is(
    start_gateway: StartGateway, own_models: Path
) -> None:
    set_label(own_models, "digits", "stable", 1, by="test", reason="hold", now=datetime.now(UTC))
    for version in (publish_again(own_models, "digits"), publish_again(own_models, "digits")):
        if version == 2:
            (own_models / "digits/2/saved_model.pb").write_bytes(b"not a SavedModel")
    gateway, instance = start_gateway("--models", str(own_models)), golden_instance(own_models, "digits")
    body = json.dumps({"instances": [instance]}).encode()
    with clients_asking(gateway.url, "digits", instance):
        set_label(own_models, "digits", "stable", 2, by="test", reason="", now=datetime.now(UTC))
        deadline = time.monotonic() + BOUND_SECONDS
        while "2" not in loaded(gateway) or gateway.get("/v1/models")["models"][-1]["moving"] != {"stable": 2}:
            assert time.monotonic() < deadline
        wait_for(gateway, 1, body)
    [status] = gateway.get("/v1/models/digits/labels/stable")["model_version_status"]
    assert (status["version"], status["state"]) == ("1", "AVAILABLE")
    assert 'penstock_model_info{awaited_by="stable",labels="",model_name="digits",model_version="2"}' in gateway.get(
        "/metrics"
    )
