"""A gateway in front of another that stands in for a model server, both telling one collector of their traces."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles import doubles_manifest, publish_in_miniature
from tests.integration.observability.spans import Collector, start_collector
from tests.processes import GatewayProcess, StartGateway


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    started = start_collector()
    yield started
    started.process.kill()
    started.process.wait()
    assert started.process.stdout
    started.process.stdout.close()


@pytest.fixture(scope="module")
def doubles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    models = tmp_path_factory.mktemp("doubles") / "models"
    publish_in_miniature(models, doubles_manifest())
    return models


@pytest.fixture(scope="module")
def behind(start_gateway_session: StartGateway, doubles: Path, collector: Collector) -> GatewayProcess:
    """It traces nothing of its own accord: what it traces, it was told to."""
    return start_gateway_session(
        *("--models", str(doubles), "--backend", "in_memory"),
        PENSTOCK_TRACING_ENDPOINT=collector.address,
        PENSTOCK_TRACING_SAMPLE_RATIO="0",
        OTEL_SERVICE_NAME="behind",
    )


@pytest.fixture(scope="module")
def front(
    start_gateway_session: StartGateway, doubles: Path, collector: Collector, behind: GatewayProcess
) -> GatewayProcess:
    return start_gateway_session(
        *("--models", str(doubles), "--backend", "tfserving", "--tfserving-addresses", behind.grpc_address),
        PENSTOCK_TRACING_ENDPOINT=collector.address,
        PENSTOCK_TRACING_SAMPLE_RATIO="0",
        PENSTOCK_MAX_IN_FLIGHT_BATCHES="1",
        PENSTOCK_ACCESS_LOG="1",
    )
