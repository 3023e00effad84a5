"""A promotion killed with kill -9 in the middle: what it has left is cleared by the gateway, or by the next one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from serving.contract.model_directory import model_paths
from serving.model_store.audit import read_audit
from serving.model_store.candidacy import WHY
from serving.model_store.labels import read_labels
from serving.model_store.traffic import NO_TRAFFIC, read_traffic
from tests.integration.promotion.conftest import Promote
from tests.processes import GatewayProcess, StartGateway
from tests.swaps import until


@pytest.fixture
def gateway(start_gateway: StartGateway, pinned_models: Path) -> GatewayProcess:
    return start_gateway("--models", str(pinned_models))


def kill_a_promotion(gateway: GatewayProcess, models: Path) -> None:
    """While it waits for requests to mirror, which nobody sends."""
    command = [sys.executable, "-m", "penstock_cli", "models", "promote", "digits", "2", "--shadow", "10"]
    place = ["--models", str(models), "--gateway", gateway.url]
    with subprocess.Popen([*command, *place], stdout=subprocess.DEVNULL, env=dict(os.environ)) as process:
        try:
            until(lambda: read_traffic(models, "digits").shadow is not None)
        finally:
            process.kill()
    assert read_labels(models, "digits") == {"stable": 1, "candidate": 2}


def why(models: Path) -> list[tuple[str, str]]:
    """What was cleared, and by whom."""
    entries = [entry for entry in read_audit(models, "digits") if entry.reason == WHY]
    return [(entry.action, entry.by.split(",")[0]) for entry in entries]


def test_the_gateway_clears_it_once_its_lease_is_over(gateway: GatewayProcess, pinned_models: Path) -> None:
    kill_a_promotion(gateway, pinned_models)
    until(lambda: not model_paths(pinned_models, "digits").candidacy.exists())
    assert read_labels(pinned_models, "digits") == {"stable": 1}
    assert read_traffic(pinned_models, "digits") == NO_TRAFFIC
    assert why(pinned_models) == [("traffic", "gateway"), ("unlabelled", "gateway")]


def test_the_next_promotion_clears_it_where_no_gateway_does(
    gateway: GatewayProcess, start_gateway: StartGateway, pinned_models: Path, promote: Promote
) -> None:
    kill_a_promotion(gateway, pinned_models)
    gateway.process.kill()
    promote(start_gateway("--models", str(pinned_models), PENSTOCK_POLL_SECONDS="60"), 1)
    assert read_labels(pinned_models, "digits") == {"stable": 1}
    assert read_traffic(pinned_models, "digits") == NO_TRAFFIC
    assert why(pinned_models) == [("traffic", "penstock models promote"), ("unlabelled", "penstock models promote")]
