"""Two gateways at work, one with two workers and models of its own and one before it, and a Prometheus beside them."""

import contextlib
import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from serving.contract.manifest import Manifest
from serving.model_store.labels import set_label
from serving.model_store.traffic import Shadow, Traffic, set_traffic
from tests.integration.monitoring.callers import Caller, asking_on
from tests.integration.monitoring.prometheus import Prometheus, configuration, start_prometheus
from tests.processes import GatewayProcess, start_gateway_process
from tests.swaps import publish_again, until

SETTINGS = """
[model.digits]
objective_seconds = 0.5
freshness_bound_seconds = 2592000

[model.diabetes]
cache_bytes = 100000
"""
MORE_ROWS_THAN_A_QUEUE = 8193
OVERFLOWS = 3e38
"""A finite input of the diabetes model whose answer is not."""
SPLIT = Traffic(split={"stable": 7, "canary": 3}, shadow=Shadow(label="canary", fraction=0.5))


@dataclass(frozen=True)
class Watched:
    """`own` runs the models in two workers; `front` asks it as its model server. `diabetes` is one of its requests."""

    own: GatewayProcess
    front: GatewayProcess
    prometheus: Prometheus
    diabetes: Any


@pytest.fixture(scope="module")
def watched(
    trained_models: Path, tmp_path_factory: pytest.TempPathFactory, program: Callable[[str], str]
) -> Iterator[Watched]:
    executable, folder = program("prometheus"), tmp_path_factory.mktemp("watched")
    models, settings, config = folder / "models", folder / "penstock.toml", folder / "prometheus.yaml"
    shutil.copytree(trained_models, models)
    settings.write_text(SETTINGS)
    _label(models, stable=1, canary=publish_again(models, "digits"))
    with contextlib.ExitStack() as stack:
        given = ("--models", str(models), "--settings", str(settings))
        own = start_gateway_process(stack, (*given, "--workers", "2"), {})
        behind = ("--backend", "tfserving", "--tfserving-addresses", own.grpc_address)
        front = start_gateway_process(stack, (*given, *behind), {})
        publish_again(models, "digits", described=_made_now)
        addresses = [gateway.url.removeprefix("http://") for gateway in (own, front)]
        config.write_text(yaml.safe_dump(configuration(addresses)))
        prometheus = start_prometheus(stack, executable, config, folder / "data")
        instance = _golden(models)
        with _at_work(own, front, instance):
            yield Watched(own, front, prometheus, instance)


def _label(models: Path, **labels: int) -> None:
    for label, version in labels.items():
        set_label(models, "digits", label, version, by="test", reason="", now=datetime.now(UTC))
    set_traffic(models, "digits", SPLIT, by="test", reason="", now=datetime.now(UTC))


def _made_now(manifest: Manifest) -> Manifest:
    return manifest.model_copy(update={"created_at": datetime.now(UTC)})


def _golden(models: Path) -> Any:
    from_disk = Manifest.model_validate_json((models / "diabetes/1/assets.extra/manifest.json").read_text())
    return from_disk.golden_examples[0].instance


@contextlib.contextmanager
def _at_work(own: GatewayProcess, front: GatewayProcess, instance: Any) -> Iterator[None]:
    """While the block lasts, everything that the metrics tell of happens again and again, to the digits over gRPC and
    REST version 1, to the diabetes over REST version 1 alone.
    """
    digits = [Caller(gateway, "image", 8, 8) for gateway in (own, own, front)]
    until(lambda: all(caller.rest_v1("digits", "/labels/canary") == "200" for caller in digits))
    numbers = itertools.count()

    def work(caller: Caller) -> None:
        value = next(numbers) % 16 / 16
        caller.rest_v1("digits", value=value)
        caller.rest_v2("digits", value=value)
        caller.grpc_tfs("digits", value=value)
        caller.grpc_v2("digits", value=value)
        caller.rest_v1("digits", value=value, x_request_timeout_ms="0.001")
        caller.grpc_tfs("digits", rows=MORE_ROWS_THAN_A_QUEUE)
        caller.rest("/v1/models/digits:predict", {"instances": "none"}, "rest_v1")
        for row in (instance, {**instance, "s5": OVERFLOWS}):
            caller.rest("/v1/models/diabetes:predict", {"instances": [row]}, "rest_v1")

    with asking_on(*(lambda caller=caller: work(caller) for caller in digits)):
        yield
    for caller in digits:
        caller.close()
