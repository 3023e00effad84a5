"""The instrument for what the Python client costs over gRPC, beside a real gateway."""

from pathlib import Path

from loadtests.bench.grpc_client import Block, Overhead, grpc_client_overhead
from tests.doubles import doubles_manifest, publish_in_miniature
from tests.processes import StartGateway


def test_client_and_grpcio_take_turns_with_one_gateway(start_gateway: StartGateway, tmp_path: Path) -> None:
    publish_in_miniature(tmp_path / "models", doubles_manifest())
    gateway = start_gateway("--backend", "in_memory", "--models", str(tmp_path / "models"))
    found = grpc_client_overhead(gateway.grpc_address, "doubles", {"x": 1.5}, rounds=3, calls=2)
    assert len(found.client) == len(found.bare) == 3
    assert all(block.wall_seconds > 0 for block in (*found.client, *found.bare))


def test_the_overhead_is_the_median_over_neighbours() -> None:
    client = tuple(Block(wall, wall * 2) for wall in (5.0, 3.0, 9.0))
    bare = tuple(Block(wall, wall) for wall in (1.0, 2.0, 2.0))
    found = Overhead(client, bare)
    assert (found.wall_seconds, found.cpu_seconds) == (4.0, 9.0)
