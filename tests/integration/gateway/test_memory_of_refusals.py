"""A refused request is let go of at once, however large: the garbage collector comes by seldom."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.doubles import doubles_manifest, publish_in_miniature
from tests.integration.monitoring.callers import Caller
from tests.processes import GatewayProcess, StartGateway

ROWS, REFUSED = 200_000, 40
"""More rows than a queue has. Kept, each request would take one to eight megabytes."""
BOUND_BYTES = 15 * 2**20


@pytest.fixture
def gateway(start_gateway: StartGateway, tmp_path: Path) -> GatewayProcess:
    publish_in_miniature(tmp_path / "models", doubles_manifest())
    return start_gateway("--backend", "in_memory", "--models", str(tmp_path / "models"))


@pytest.fixture
def caller(gateway: GatewayProcess) -> Iterator[Caller]:
    made = Caller(gateway, "x")
    yield made
    made.close()


def own_bytes(gateway: GatewayProcess) -> int:
    """Of memory that is no file's."""
    (line,) = (
        line
        for line in Path(f"/proc/{gateway.process.pid}/status").read_text().splitlines()
        if line.startswith("RssAnon")
    )
    return int(line.split()[1]) * 1024


def refused_by_rest(caller: Caller) -> str:
    return caller.rest("/v1/models/doubles:predict", {"instances": [1.0] * ROWS}, "rest_v1")


def refused_by_grpc(caller: Caller) -> str:
    return caller.grpc_tfs("doubles", rows=ROWS)


@pytest.mark.parametrize("refused", [refused_by_rest, refused_by_grpc])
def test_large_requests_that_are_refused_leave_nothing(
    gateway: GatewayProcess, caller: Caller, refused: Callable[[Caller], str]
) -> None:
    assert {refused(caller) for _ in range(3)} <= {"413", "INVALID_ARGUMENT"}
    before = own_bytes(gateway)
    for _ in range(REFUSED):
        refused(caller)
    assert own_bytes(gateway) - before < BOUND_BYTES
