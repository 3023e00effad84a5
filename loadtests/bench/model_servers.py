"""What a model server behind the gateway costs the gateway: processor time a request with the backend tfserving, beside
that with the in-memory backend, turn by turn. Prints a table for the docs.

usage: python -m loadtests.bench.model_servers [--rounds N] [--seconds S] [--connections N]
"""

import argparse
import contextlib
import re
import statistics
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.bench.dense_model import build_dense_model, pictures
from loadtests.bench.errors import BenchError
from loadtests.bench.forms import OIP_BINARY, TFS_JSON, TFS_NPY, HttpRequest
from loadtests.bench.lineup import JSON
from loadtests.bench.processes import Cores, ServerProcess, cpu_seconds, gateway_command, running_server, take_cores
from loadtests.bench.tables import markdown_table
from loadtests.bench.wrk import run_wrk

FORMS = {"JSON": TFS_JSON, "npy": TFS_NPY, "OIP binary": OIP_BINARY}
WARM_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One run of wrk: the gateway's processor time a request in microseconds, and the rows of its mean batch."""

    microseconds: float
    per_second: float
    batch_rows: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--connections", type=int, default=32)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _gateways(Path(folder), take_cores()) as gateways:
        lines = [
            _line(name, form.request(pictures(1)), gateways, arguments.rounds, arguments)
            for name, form in FORMS.items()
        ]
    head = ["form", "in memory, us", "tfserving, us", "more, %", "rows a batch", "requests/s"]
    sys.stdout.write(markdown_table(head, lines))


@contextlib.contextmanager
def _gateways(folder: Path, cores: Cores) -> Iterator[tuple[ServerProcess, ServerProcess]]:
    """One with each backend, both on the gateway's core; the model server is on the other with wrk."""
    models, log = build_dense_model(folder).models, folder / "bench.log"
    with contextlib.ExitStack() as stack:

        def start(core: int, *options: str) -> ServerProcess:
            server = stack.enter_context(
                running_server(lambda *ports: gateway_command(models, *ports, *options), core, log)
            )
            server.wait_until(lambda: JSON.probe.is_up(server))
            return server

        behind = start(cores.generator)
        in_memory = start(cores.server, "--backend", "in_memory")
        yield in_memory, start(cores.server, "--backend", "tfserving", "--tfserving-addresses", behind.grpc_address)


def _line(
    name: str,
    request: HttpRequest,
    gateways: tuple[ServerProcess, ServerProcess],
    rounds: int,
    arguments: argparse.Namespace,
) -> list[str]:
    for gateway in gateways:
        run_wrk(gateway.port, [request], arguments.connections, WARM_SECONDS)
    turns = [[_turn(each, request, arguments) for each in gateways] for _ in range(rounds)]
    without, behind = zip(*turns, strict=True)
    more = [(b.microseconds / a.microseconds - 1) * 100 for a, b in zip(without, behind, strict=True)]
    return [
        name,
        f"{_median([turn.microseconds for turn in without]):.1f}",
        f"{_median([turn.microseconds for turn in behind]):.1f}",
        f"{_median(more):.0f} ({min(more):.0f} to {max(more):.0f})",
        f"{_median([turn.batch_rows for turn in without]):.1f}, {_median([turn.batch_rows for turn in behind]):.1f}",
        f"{_median([turn.per_second for turn in behind]):,.0f}",
    ]


def _turn(gateway: ServerProcess, request: HttpRequest, arguments: argparse.Namespace) -> Turn:
    used, (rows, batches) = cpu_seconds(gateway.pid), _batches(gateway)
    count = run_wrk(gateway.port, [request], arguments.connections, arguments.seconds)
    if count.refused or count.broken or not count.requests:
        raise BenchError(f"{count.refused} requests were refused, {count.broken} not answered:\n{gateway.log_end()}")
    used, (rows_now, batches_now) = cpu_seconds(gateway.pid) - used, _batches(gateway)
    return Turn(
        used / count.requests * 1e6, count.requests / count.seconds, (rows_now - rows) / (batches_now - batches)
    )


def _batches(gateway: ServerProcess) -> tuple[float, float]:
    """Rows sent and batches they went in, so far."""
    with urllib.request.urlopen(f"http://127.0.0.1:{gateway.port}/metrics") as answer:
        text = answer.read().decode()
    rows, batches = (
        sum(float(value) for value in re.findall(rf"^penstock_batch_rows_{part}\{{.*\}} (\S+)$", text, re.MULTILINE))
        for part in ("sum", "count")
    )
    return rows, batches


def _median(values: Sequence[float]) -> float:
    return statistics.median(values)


if __name__ == "__main__":
    main()
