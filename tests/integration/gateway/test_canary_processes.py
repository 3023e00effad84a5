"""Split and mirrored traffic of real processes: two workers with one set of figures, and TensorFlow's own answers."""

import json
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from serving.model_store.labels import set_label
from serving.model_store.versions import read_manifest
from tests.doubles import doubles_manifest, publish_in_miniature
from tests.integration.gateway.worker_connections import Connections
from tests.processes import GatewayProcess, StartGateway, penstock
from tests.swaps import publish_again

WITHIN_SECONDS = 60.0
EACH = 40


def label(models: Path, model: str, **versions: int) -> None:
    for name, version in versions.items():
        set_label(models, model, name, version, by="test", reason="", now=datetime.now(UTC))


def wait_until(reached: Callable[[], bool]) -> None:
    latest = time.monotonic() + WITHIN_SECONDS
    while not reached():
        assert time.monotonic() < latest


def test_two_workers_split_alike_and_tell_the_figures_of_both(start_gateway: StartGateway, tmp_path: Path) -> None:
    models = tmp_path / "models"
    for version in (1, 2):
        publish_in_miniature(models, doubles_manifest(version=version))
    label(models, "doubles", stable=1, canary=2)
    gateway = start_gateway("--workers", "2", "--backend", "in_memory", "--models", str(models))
    to = Connections(gateway)
    workers = [found[0] for found in to.by_worker(each=1).values()]
    arguments = ("stable=1", "canary=1", "--sticky-by", "X-User-Id", "--models", str(models))
    said = penstock("models", "traffic", "doubles", *arguments).stdout
    assert said == "traffic of doubles: none -> canary=1 stable=1 --sticky-by x-user-id\n"

    def traffic() -> list[dict[str, Any]]:
        return [worker.get("/v2/models/doubles/stats")["traffic"] for worker in workers]

    wait_until(lambda: all(told["split"] for told in traffic()))
    for worker in workers:
        counts = Counter(worker.version() for _ in range(EACH))
        assert counts[1] == pytest.approx(EACH / 2, abs=2)
    for user in map(str, range(EACH)):
        assert len({worker.version(x_user_id=user) for worker in workers}) == 1

    def counted() -> list[int]:
        return [sum(version["requests"] for version in told["versions"].values()) for told in traffic()]

    wait_until(lambda: counted() == [4 * EACH] * 2)  # a worker counts after it has answered
    to.close()


@pytest.fixture
def canaried(start_gateway: StartGateway, own_models: Path) -> GatewayProcess:
    """The digits, version 1 stable and the very same as version 2 the canary."""
    label(own_models, "digits", stable=1)
    label(own_models, "digits", canary=publish_again(own_models, "digits"))
    return start_gateway("--models", str(own_models))


def test_the_same_weights_twice_are_split_mirrored_and_found_the_same(
    canaried: GatewayProcess, own_models: Path
) -> None:
    manifest = read_manifest(own_models, "digits", 1)
    assert manifest
    body = json.dumps({"instances": [manifest.golden_examples[0].instance]}).encode()

    def traffic() -> dict[str, Any]:
        told: dict[str, Any] = canaried.get("/v2/models/digits/stats")["traffic"]
        return told

    wait_until(lambda: canaried.post("/v1/models/digits/labels/canary:predict", body)[0] == 200)
    penstock("models", "traffic", "digits", "stable=1", "canary=1", "--shadow=canary=1", "--models", str(own_models))
    wait_until(lambda: bool(traffic()["split"]))
    versions: Counter[str] = Counter()
    while (shadow := traffic()["shadow"])["compared"] < 20:
        status, _, headers = canaried.post("/v1/models/digits:predict", body)
        assert status == 200
        versions[headers["x-model-version"]] += 1
        assert sum(versions.values()) < 2000, shadow
    assert (shadow["version"], shadow["different"], shadow["failed"], shadow["reason"]) == (2, 0, 0, "")
    assert abs(versions["1"] - versions["2"]) <= 4
    told = traffic()["versions"]
    assert {version: told[version]["requests"] for version in versions} == versions
    assert sum(told["1"]["scores"]["probability"]["counts"].values()) == versions["1"]
    penstock("models", "traffic", "digits", "--clear", "--models", str(own_models))
    wait_until(lambda: not traffic()["split"])
    assert canaried.post("/v1/models/digits:predict", body)[2]["x-model-version"] == "1"
