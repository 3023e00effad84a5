"""A gateway for one run alone, on a model made for it, so that nothing of this machine's own is touched."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.asked_model import NotServed, ask_model
from loadtests.bench.dense_model import MODEL, build_dense_model
from loadtests.bench.processes import gateway_command, running_server, take_cores

LOG = "gateway.log"


@dataclass(frozen=True, slots=True)
class OwnGateway:
    url: str
    grpc: str


@contextmanager
def own_gateway(folder: Path) -> Iterator[OwnGateway]:
    """On one core, with this process and all it starts on another; its log below `folder`. Raises BenchError."""
    cores = take_cores()
    with tempfile.TemporaryDirectory() as made:
        models = build_dense_model(Path(made)).models
        with running_server(lambda *ports: gateway_command(models, *ports), cores.server, folder / LOG) as server:
            url = f"http://127.0.0.1:{server.port}"
            server.wait_until(lambda: _serves(url))
            yield OwnGateway(url, server.grpc_address)


def _serves(url: str) -> bool:
    try:
        ask_model(url, MODEL)
    except NotServed:
        return False
    return True
