"""`penstock bench clients`: what the Python client costs a call, how much of the gateway's own rate `predict_many`
reaches, and how long its import takes. Rounds take turns; the gateway has one core, the client and wrk the other.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
from penstock_client import Client

from loadtests.bench.asking import answers
from loadtests.bench.client_calls import (
    MODEL,
    PATIENT,
    CallCost,
    async_grpc_cost,
    async_rest_cost,
    grpc_cost,
    rest_cost,
)
from loadtests.bench.dense_model import Floats
from loadtests.bench.errors import BenchError
from loadtests.bench.forms import HttpRequest, npy_request
from loadtests.bench.machine import versions
from loadtests.bench.processes import ServerProcess, gateway_command, running_server
from loadtests.bench.results import Report
from loadtests.bench.samples import spread
from loadtests.bench.stage import take_stage
from loadtests.bench.tables import digits, markdown_table
from loadtests.bench.wrk import run_wrk

OUTPUT = Path("bench-results")
MOST_OVERHEAD_MS, LEAST_SHARE, MOST_IMPORT_MS = 0.25, 0.60, 150.0
BODIES: Mapping[int, int] = MappingProxyType({1000: 4, 2000: 4, 4000: 2})
"""Rows of a body and the connections that send it: what waits never fills the gateway's queue. The quickest counts."""
IMPORT = "import time; began = time.perf_counter(); import penstock_client; print(time.perf_counter() - began)"
METHOD = """\
The gateway alone on one core, the caller on the other; {rounds} rounds that take turns, medians. A call: {calls:,} of
one row of ten numbers, one after the other, in blocks of fifty beside blocks of a bare call of httpx2 or grpcio with
the same bytes; what is left is the client's own. The gateway's own rate: wrk, {seconds:g} s, NumPy files of the size
that it answers quickest; `predict_many`: an array of {rows:,} rows, with its own defaults.
"""


@dataclass(frozen=True, slots=True)
class ManyRound:
    """Rows a second of one round: the gateway's own by wrk, and what `predict_many` gets."""

    gateway_rows_per_second: float
    many_rows_per_second: float

    @property
    def share(self) -> float:
        return self.many_rows_per_second / self.gateway_rows_per_second


@dataclass(frozen=True, slots=True)
class Found:
    """What the rounds found, in their order."""

    calls: dict[str, list[CallCost]] = field(default_factory=dict)
    many: list[ManyRound] = field(default_factory=list)
    import_ms: list[float] = field(default_factory=list)


def clients(argv: Sequence[str]) -> int:
    """Raises BenchError for what cannot be measured."""
    parser = argparse.ArgumentParser(prog="penstock bench clients", description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("models"), help="with the job diabetes (default: models)")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--calls", type=int, default=1000, help="of each kind in a round (default: 1000)")
    parser.add_argument("--rows", type=int, default=100_000, help="of predict_many (default: 100000)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of wrk with each size of body (default: 2)")
    parser.add_argument("--output", type=Path, default=OUTPUT, help=f"folder for what is found (default: {OUTPUT})")
    arguments = parser.parse_args(argv)
    if min(arguments.rounds, arguments.calls, arguments.rows) < 1 or arguments.seconds <= 0:
        raise BenchError("--rounds, --calls, --rows and --seconds must be above 0")
    stage, found = take_stage(arguments.output), Found()
    with _gateway(arguments.models, stage.cores.server) as gateway:
        for _ in range(arguments.rounds):
            for name, cost in call_costs(gateway, arguments.calls).items():
                found.calls.setdefault(name, []).append(cost)
            found.many.append(many_round(gateway.port, arguments.rows, arguments.seconds))
            found.import_ms.append(import_ms())
    method = METHOD.format(**{name: getattr(arguments, name) for name in ("rounds", "calls", "rows", "seconds")})
    stage.tell(report_of(found, method, stage.facts), "clients")
    return 0


@contextmanager
def _gateway(models: Path, core: int) -> Iterator[ServerProcess]:
    if not (models / MODEL).is_dir():
        raise BenchError(f"no model {MODEL} in {models}; `penstock train {MODEL} --models {models}` makes one")
    with (
        tempfile.TemporaryDirectory() as folder,
        running_server(lambda *ports: gateway_command(models, *ports), core, Path(folder) / "log") as running,
    ):
        running.wait_until(lambda: answers(running.port, body_of(1)))
        yield running


def patients(rows: int) -> Floats:
    """Rows of the model's numbers, in the manifest's order."""
    return np.tile(np.array([*PATIENT.values()], np.float32), (rows, 1))


def body_of(rows: int) -> HttpRequest:
    return npy_request(f"/v1/models/{MODEL}:predict", patients(rows))


def call_costs(gateway: ServerProcess, calls: int) -> dict[str, CallCost]:
    rest, grpc = f"http://127.0.0.1:{gateway.port}", f"grpc://{gateway.grpc_address}"
    kinds: dict[str, tuple[Callable[[str, int], CallCost], str]] = {
        "Client, REST": (rest_cost, rest),
        "AsyncClient, REST": (async_rest_cost, rest),
        "Client, gRPC": (grpc_cost, grpc),
        "AsyncClient, gRPC": (async_grpc_cost, grpc),
    }
    return {name: measure(url, calls) for name, (measure, url) in kinds.items()}


def many_round(port: int, rows: int, seconds: float) -> ManyRound:
    own = max(_own_rate(port, body_rows, connections, seconds) for body_rows, connections in BODIES.items())
    array = patients(rows)
    with Client(f"http://127.0.0.1:{port}") as client:
        client.predict_many(MODEL, array[:1000])
        began = time.perf_counter()
        answered = client.predict_many(MODEL, array)
        taken_seconds = time.perf_counter() - began
    if len(answered) != rows:
        raise BenchError(f"{len(answered)} answers for {rows} rows")
    return ManyRound(own, rows / taken_seconds)


def _own_rate(port: int, rows: int, connections: int, seconds: float) -> float:
    count = run_wrk(port, [body_of(rows)], connections, seconds)
    if count.refused or count.broken or not count.requests:
        raise BenchError(f"{count.refused} requests were refused, {count.broken} not answered")
    return count.requests * rows / count.seconds


def import_ms() -> float:
    """Of the package in a fresh Python, that one's own start left out."""
    done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)
    return float(done.stdout) * 1000


def report_of(found: Found, method: str, facts: Mapping[str, str]) -> Report:
    details = {
        "calls": {name: [asdict(cost) for cost in costs] for name, costs in found.calls.items()},
        "many": [asdict(each) for each in found.many],
        "import_ms": found.import_ms,
    }
    tables = (_calls_table(found.calls), _figures_table(found))
    return Report("The Python client", method, facts, versions(), tables=tables, details=details)


def _calls_table(calls: Mapping[str, Sequence[CallCost]]) -> str:
    head = [
        "one call",
        "bare, ms",
        "client, ms",
        "overhead, ms",
        "least to most",
        "of processor time",
        "aim",
        "reached",
    ]
    return markdown_table(head, [[name, *_call_cells(costs)] for name, costs in calls.items()])


def _call_cells(costs: Sequence[CallCost]) -> list[str]:
    overhead = spread([cost.overhead_ms for cost in costs])
    return [
        digits(statistics.median(cost.bare_ms for cost in costs)),
        digits(statistics.median(cost.client_ms for cost in costs)),
        digits(overhead.median),
        f"{digits(overhead.least)} to {digits(overhead.most)}",
        digits(statistics.median(cost.overhead_cpu_ms for cost in costs)),
        f"under {MOST_OVERHEAD_MS} ms",
        "yes" if overhead.median < MOST_OVERHEAD_MS else "no",
    ]


def _figures_table(found: Found) -> str:
    own = statistics.median(each.gateway_rows_per_second for each in found.many)
    many = statistics.median(each.many_rows_per_second for each in found.many)
    share, imported = spread([each.share for each in found.many]), spread(found.import_ms)
    lines = [
        ["the gateway's own rows/s", f"{own:,.0f}", "", "", ""],
        ["predict_many, rows/s", f"{many:,.0f}", "", "", ""],
        [
            "predict_many's share of it",
            f"{share.median:.0%}",
            f"{share.least:.0%} to {share.most:.0%}",
            f"at least {LEAST_SHARE:.0%}",
            "yes" if share.median >= LEAST_SHARE else "no",
        ],
        [
            "import penstock_client, ms",
            digits(imported.median),
            f"{digits(imported.least)} to {digits(imported.most)}",
            f"under {MOST_IMPORT_MS:g} ms",
            "yes" if imported.median < MOST_IMPORT_MS else "no",
        ],
    ]
    return markdown_table(["figure", "measured", "least to most", "aim", "reached"], lines)
