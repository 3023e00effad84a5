"""`penstock bench loadgen`: what the open-loop generator adds by itself, and whether it finds wrk's percentiles."""

import argparse
import asyncio
import contextlib
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import uvloop
from rich.console import Console

from loadtests.arrivals import Phase, poisson_arrivals
from loadtests.bench.errors import BenchError
from loadtests.bench.forms import HttpRequest, http_bytes
from loadtests.bench.grpc_load import METHOD as PREDICT
from loadtests.bench.machine import doubts, machine_facts, versions
from loadtests.bench.processes import ServerProcess, running_server, take_cores
from loadtests.bench.results import Report, write_report
from loadtests.bench.tables import markdown_table
from loadtests.bench.wrk import run_wrk
from loadtests.open_loop import Load, OpenLoopRun, run_load, run_open_loop
from loadtests.open_loop_tally import Judge
from loadtests.open_loop_workers import Order
from loadtests.wire import GRPC_STATUS, WireRequest

APP, GRPC_APP = "loadtests.bench.apps.null_http", "loadtests.bench.apps.empty_grpc"
REQUEST = HttpRequest("/", {"content-type": "application/json"}, b"{}")
LATENESS_BOUND_MS, AGREEMENT_BOUND_PERCENT = 1.0, 5.0
DELAY_MS, CALM_RATE, CONNECTIONS, WRK_CONNECTIONS = 20.0, 400.0, 64, 8
BURSTS = {"rest": 20_000, "grpc": 4_000}
"""Requests that are all due at once, so that the generator never idles: its processor time is theirs."""
METHOD = """\
A server on one core that only answers, the generator in one process on the other core: {rate:g} Poisson arrivals a
second over {connections} connections for {seconds:g} s. Lateness is from the moment a request was due to the moment the
generator came to it. Then a server that answers each request after a while (lognormal, median {delay:g} ms) that no
load changes, so that a closed and an open loop must find the same percentiles: wrk with {wrk} connections, and {calm:g}
Poisson arrivals a second, in turn. The generator's own cost is its processor time for a burst, by the requests in it.
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


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds of the generator's processor time for one request."""

    rest_us: float
    grpc_us: float


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
            running_server(_grpc_command, cores.server, log) as called,
        ):
            for server in (quick, slow, called):
                server.wait_until(partial(_listens, server))
            overheads = [_overhead(quick, arguments, turn) for turn in range(arguments.rounds)]
            agreements = [_agreement(slow, arguments.seconds, turn) for turn in range(arguments.rounds)]
            costs = [Cost(_cost_us(quick, "rest"), _cost_us(called, "grpc")) for _ in range(arguments.rounds)]
    report = Report(
        "The open-loop generator itself",
        METHOD.format(
            rate=arguments.rate, connections=CONNECTIONS, seconds=arguments.seconds, delay=DELAY_MS,
            wrk=WRK_CONNECTIONS, calm=CALM_RATE,
        ),
        facts,
        versions(),
        tables=[overhead_table(overheads), agreement_table(agreements), cost_table(costs)],
        details={
            "overhead": [asdict(each) for each in overheads],
            "agreement": [asdict(each) for each in agreements],
            "cost": [asdict(each) for each in costs],
        },
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


def _grpc_command(_port: int, grpc_port: int) -> list[str]:
    return [sys.executable, "-m", GRPC_APP, str(grpc_port)]


def _listens(server: ServerProcess) -> bool:
    for port in (server.port, server.grpc_port):  # each of these servers has one of the two
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    return False


def _run(server: ServerProcess, rate: float, seconds: float, seed: int) -> OpenLoopRun:
    due = poisson_arrivals([Phase(rate, seconds)], seed)
    return run_open_loop(server.port, [http_bytes(REQUEST)], due, connections=CONNECTIONS, patience_seconds=30.0)


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


def _cost_us(server: ServerProcess, protocol: Literal["rest", "grpc"]) -> float:
    due = np.zeros(BURSTS[protocol])
    request = WireRequest(http_bytes(REQUEST)) if protocol == "rest" else WireRequest(bytes(300), PREDICT)
    target = f"http://127.0.0.1:{server.port}" if protocol == "rest" else server.grpc_address
    order = Order(protocol, target, Load([request], due, CONNECTIONS, 60.0), Judge((200,)))
    used = time.process_time()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(run_load(order.opener(), order.load))
    if set(found.status.tolist()) - {200, GRPC_STATUS}:
        raise BenchError(f"the server that only answers refused, over {protocol}")
    return (time.process_time() - used) / len(due) * 1e6


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


def cost_table(found: Sequence[Cost]) -> str:
    head = ["round", "processor time of a request over REST, us", "of a gRPC call, us"]
    return markdown_table(
        head, [[str(place), f"{each.rest_us:.1f}", f"{each.grpc_us:.0f}"] for place, each in enumerate(found, 1)]
    )


def _yes(holds: bool) -> str:  # noqa: FBT001 - its only argument
    return "yes" if holds else "no"
