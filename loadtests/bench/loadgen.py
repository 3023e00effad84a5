"""`penstock bench loadgen`: what the open-loop generator adds by itself, and whether it finds wrk's percentiles."""

import argparse
import socket
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console

from loadtests.arrivals import Phase, poisson_arrivals
from loadtests.bench.forms import HttpRequest, http_bytes
from loadtests.bench.machine import doubts, machine_facts, versions
from loadtests.bench.processes import ServerProcess, running_server, take_cores
from loadtests.bench.results import Report, write_report
from loadtests.bench.tables import markdown_table
from loadtests.bench.wrk import run_wrk
from loadtests.open_loop import OpenLoopRun, run_open_loop

APP = "loadtests.bench.apps.null_http"
REQUEST = HttpRequest("/", {"content-type": "application/json"}, b"{}")
LATENESS_BOUND_MS, AGREEMENT_BOUND_PERCENT = 1.0, 5.0
DELAY_MS, CALM_RATE, CONNECTIONS, WRK_CONNECTIONS = 20.0, 400.0, 64, 8
METHOD = """\
A server on one core that only answers, the generator in one process on the other core: {rate:g} Poisson arrivals a
second over {connections} connections for {seconds:g} s. Lateness is from the moment a request was due to the moment the
generator came to it. Then a server that answers each request after a while (lognormal, median {delay:g} ms) that no
load changes, so that a closed and an open loop must find the same percentiles: wrk with {wrk} connections, and {calm:g}
Poisson arrivals a second, in turn.
"""


@dataclass(frozen=True, slots=True)
class Overhead:
    """Milliseconds of one round against the server that only answers."""

    lateness_p50_ms: float
    lateness_p99_ms: float
    lateness_max_ms: float
    latency_p50_ms: float
    latency_p99_ms: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """One round against the server with delays; ours counts from the due moment."""

    wrk_p50_ms: float
    wrk_p99_ms: float
    open_p50_ms: float
    open_p99_ms: float

    @property
    def apart_percent(self) -> tuple[float, float]:
        """How far ours is from wrk's, at p50 and at p99."""
        return (self.open_p50_ms / self.wrk_p50_ms - 1) * 100, (self.open_p99_ms / self.wrk_p99_ms - 1) * 100


def loadgen(argv: Sequence[str]) -> int:
    """Raises BenchError when a server does not start or wrk is not there."""
    arguments = _arguments(argv)
    console, cores = Console(), take_cores()
    facts = machine_facts(cores)
    for warning in doubts(cores):
        console.print(warning, style="yellow")
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "null.log"
        with (
            running_server(partial(_command, 0.0), cores.server, log) as quick,
            running_server(partial(_command, DELAY_MS), cores.server, log) as slow,
        ):
            for server in (quick, slow):
                server.wait_until(partial(_listens, server))
            overheads = [_overhead(quick, arguments, turn) for turn in range(arguments.rounds)]
            agreements = [_agreement(slow, arguments.seconds, turn) for turn in range(arguments.rounds)]
    report = Report(
        "The open-loop generator itself",
        METHOD.format(
            rate=arguments.rate, connections=CONNECTIONS, seconds=arguments.seconds, delay=DELAY_MS,
            wrk=WRK_CONNECTIONS, calm=CALM_RATE,
        ),
        facts,
        versions(),
        tables=[overhead_table(overheads), agreement_table(agreements)],
        details={"overhead": [asdict(each) for each in overheads], "agreement": [asdict(each) for each in agreements]},
    )  # fmt: skip
    arguments.output.mkdir(parents=True, exist_ok=True)
    written = write_report(report, arguments.output, "loadgen")
    console.print(report.markdown(), markup=False, highlight=False, soft_wrap=True)
    console.print(f"written: {', '.join(map(str, written))}", highlight=False, soft_wrap=True)
    return 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="penstock bench loadgen", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each load (default: %(default)g)")
    parser.add_argument("--rate", type=float, default=2000.0, help="requests a second (default: %(default)g)")
    parser.add_argument("--output", type=Path, default=Path("bench-results"), help="folder (default: bench-results)")
    return parser.parse_args(argv)


def _command(delay_ms: float, port: int, _grpc_port: int) -> list[str]:
    return [sys.executable, "-m", APP, str(port), str(delay_ms)]


def _listens(server: ServerProcess) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
    except OSError:
        return False
    return True


def _run(server: ServerProcess, rate: float, seconds: float, seed: int) -> OpenLoopRun:
    due = poisson_arrivals([Phase(rate, seconds)], seed)
    return run_open_loop(server.port, http_bytes(REQUEST), due, connections=CONNECTIONS, patience_seconds=30.0)


def _overhead(server: ServerProcess, arguments: argparse.Namespace, turn: int) -> Overhead:
    run = _run(server, arguments.rate, arguments.seconds, turn)
    late, latency = run.own_lateness_seconds * 1e3, run.latency_seconds * 1e3
    return Overhead(
        *(float(value) for value in (*np.percentile(late, (50, 99)), late.max(), *np.nanpercentile(latency, (50, 99))))
    )


def _agreement(server: ServerProcess, seconds: float, turn: int) -> Agreement:
    closed = run_wrk(server.port, [REQUEST], WRK_CONNECTIONS, seconds)
    latency = _run(server, CALM_RATE, seconds, turn).latency_seconds * 1e3
    p50, p99 = (float(value) for value in np.nanpercentile(latency, (50, 99)))
    return Agreement(closed.p50_ms, closed.p99_ms, p50, p99)


def overhead_table(found: Sequence[Overhead]) -> str:
    head = ["round", "lateness p50, ms", "p99", "max", "latency p50, ms", "p99", f"p99 under {LATENESS_BOUND_MS:g} ms"]
    rows = [
        [
            str(place),
            *(f"{value:.3f}" for value in asdict(each).values()),
            _yes(each.lateness_p99_ms < LATENESS_BOUND_MS),
        ]
        for place, each in enumerate(found, 1)
    ]
    return markdown_table(head, rows)


def agreement_table(found: Sequence[Agreement]) -> str:
    within = f"within {AGREEMENT_BOUND_PERCENT:g} %"
    head = ["round", "wrk p50, ms", "wrk p99", "open loop p50", "open loop p99", "p50 apart", "p99 apart", within]
    rows = []
    for place, each in enumerate(found, 1):
        apart = each.apart_percent
        cells = [f"{value:.2f}" for value in asdict(each).values()] + [f"{value:+.1f} %" for value in apart]
        rows.append([str(place), *cells, _yes(max(map(abs, apart)) <= AGREEMENT_BOUND_PERCENT)])
    return markdown_table(head, rows)


def _yes(holds: bool) -> str:  # noqa: FBT001 - its only argument
    return "yes" if holds else "no"
