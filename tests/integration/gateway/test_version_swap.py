"""A version published under load: nobody fails, everybody gets to the new one, the old one is freed."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.model_store.labels import set_label
from tests.processes import GatewayProcess, StartGateway
from tests.swaps import clients_asking, golden_instance, publish_again

PROMISED_SECONDS = 3.0


@pytest.fixture
def own_gateway(start_gateway: StartGateway, own_models: Path) -> GatewayProcess:
    return start_gateway("--models", str(own_models))


def wait_for(gateway: GatewayProcess, version: int, body: bytes) -> float:
    """Seconds until requests that name no version are answered by `version`."""
    started = time.monotonic()
    while time.monotonic() - started < 10 * PROMISED_SECONDS:
        status, _, headers = gateway.post("/v1/models/digits:predict", body)
        assert status == 200
        if headers["x-model-version"] == str(version):
            return time.monotonic() - started
    raise AssertionError(f"version {version} does not answer")


def test_versions_swap_under_load_without_a_failed_request(own_gateway: GatewayProcess, own_models: Path) -> None:
    instance = golden_instance(own_models, "digits")
    body = json.dumps({"instances": [instance]}).encode()
    with clients_asking(own_gateway.url, "digits", instance) as asking:
        switched = [wait_for(own_gateway, publish_again(own_models, "digits"), body) for _ in range(3)]
    seen = [[answer.version for answer in answers] for answers in asking.answers]
    print(f"switched after {', '.join(f'{seconds:.2f}' for seconds in switched)} s, {sum(map(len, seen))} requests")  # noqa: T201 - a figure for whoever looks
    assert all(versions == sorted(versions) for versions in seen)
    assert all(set(versions) <= {1, 2, 3, 4} for versions in seen)


def test_old_version_is_freed_after_the_swap(own_gateway: GatewayProcess, own_models: Path) -> None:
    body = json.dumps({"instances": [golden_instance(own_models, "digits")]}).encode()
    wait_for(own_gateway, publish_again(own_models, "digits"), body)
    deadline = time.monotonic() + 10 * PROMISED_SECONDS
    while (states := own_gateway.get("/v1/models/digits")["model_version_status"]) and len(states) > 1:
        assert time.monotonic() < deadline, states
    assert [state["version"] for state in states] == ["2"]


def test_stable_label_holds_the_old_version_until_it_moves(own_gateway: GatewayProcess, own_models: Path) -> None:
    body = json.dumps({"instances": [golden_instance(own_models, "digits")]}).encode()
    set_label(own_models, "digits", "stable", 1, by="test", reason="hold", now=datetime.now(UTC))
    publish_again(own_models, "digits")
    deadline = time.monotonic() + 10 * PROMISED_SECONDS
    while own_gateway.post("/v1/models/digits/versions/2:predict", body)[0] != 200:
        assert time.monotonic() < deadline
    assert own_gateway.post("/v1/models/digits:predict", body)[2]["x-model-version"] == "1"
    set_label(own_models, "digits", "stable", 2, by="test", reason="move", now=datetime.now(UTC))
    wait_for(own_gateway, 2, body)
    assert own_gateway.post("/v1/models/digits/labels/stable:predict", body)[0] == 200


def test_broken_version_is_reported_and_the_old_one_goes_on(own_gateway: GatewayProcess, own_models: Path) -> None:
    body = json.dumps({"instances": [golden_instance(own_models, "digits")]}).encode()
    broken = own_models / "digits" / "2"
    broken.mkdir()
    (broken / "saved_model.pb").write_bytes(b"not a SavedModel")
    deadline = time.monotonic() + 10 * PROMISED_SECONDS
    while not (newest := own_gateway.get("/v1/models/digits")["model_version_status"][0])["status"]["error_message"]:
        assert time.monotonic() < deadline
    assert (newest["version"], newest["state"]) == ("2", "END")
    assert str(own_models) not in newest["status"]["error_message"]
    assert own_gateway.post("/v1/models/digits:predict", body)[2]["x-model-version"] == "1"


def test_model_directory_out_of_sight_takes_nothing_away(own_gateway: GatewayProcess, own_models: Path) -> None:
    body = json.dumps({"instances": [golden_instance(own_models, "digits")]}).encode()
    hidden = own_models.rename(own_models.with_name("hidden"))
    looks = own_gateway.get("/metrics")
    assert looks
    assert own_gateway.post("/v1/models/digits:predict", body)[0] == 200
    hidden.rename(own_models)
    wait_for(own_gateway, publish_again(own_models, "digits"), body)
