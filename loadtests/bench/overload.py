"""`penstock bench overload`: several times the load that the gateway can serve, by an open loop, and the time after it.

The model is dear, near a millisecond a row. Every refusal costs the server's one core what reading a request costs,
some 40 us; with a model as cheap as that the core would be busy with refusals alone, and no gateway kept its goodput.
"""

import argparse
import functools
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console

from loadtests.arrivals import Phase, poisson_arrivals
from loadtests.asked_server import positive, positive_count
from loadtests.bench.asking import answers
from loadtests.bench.dense_model import DenseModel, build_dense_model, pictures
from loadtests.bench.errors import BenchError
from loadtests.bench.forms import TFS_JSON, HttpRequest, http_bytes
from loadtests.bench.hostile_requests import hostile_requests
from loadtests.bench.lineup import JSON
from loadtests.bench.machine import versions
from loadtests.bench.memory_watch import watched_memory
from loadtests.bench.overload_chart import draw_overload
from loadtests.bench.overload_course import AFTER_SECONDS, CALM_SECONDS, Course, Memory, Round, Swept
from loadtests.bench.overload_figures import (
    Span,
    goodput_per_second,
    median_latency_seconds,
    median_rejection_seconds,
    recovery_seconds,
    status_counts,
)
from loadtests.bench.overload_tables import rounds_table, sweep_table
from loadtests.bench.processes import ServerProcess, gateway_command, running_server
from loadtests.bench.results import Report
from loadtests.bench.stage import take_stage
from loadtests.bench.targets import figures
from loadtests.bench.wrk import run_wrk
from loadtests.open_loop import OpenLoopRun, run_open_loop

WIDTHS = (4096, 4096, 4096)
SWEEP = (0.6, 0.7, 0.8, 0.9, 1.0, 1.1)
"""Loads as shares of what a closed loop reached: the peak of the goodput lies among them."""
SWEEP_SECONDS, SWEEP_DEADLINES = 3.0, 5.0
"""Of each load, or so many deadlines where that is longer: of a few large batches one more or less counts for much."""
CLOSED_LOOP_CONNECTIONS, CLOSED_LOOP_SECONDS = 128, 5.0
CONNECTIONS = 1024
QUEUE_BYTES = 16 * 1024 * 1024
"""The gateway's `max_queue_bytes`: what an overload may cost it in memory."""
METHOD = """\
The gateway alone on one core with the embedded backend, the generator on another: an open loop of Poisson arrivals over
{connections} connections, latency counted from the moment a request was due, a deadline of {deadline:.0f} ms that the
gateway is told and the answers are held to. One JSON row a request; the network is dense, 784-{widths}-10. The peak is
the best goodput of a sweep; then {calm:g} s at half of it, {overload:g} s at {times:g} times, {after:g} s at half.
{hostile}Memory gained is the most that was resident during the overload less the most before it; the queue may hold
{queue:.0f} MB.
"""
HOSTILE = """\
After every {good} good requests comes a hostile one, {kinds} kinds in turn: broken, too deep, too large, of a wrong
shape, of a model or version that is not there. Goodput, rejection and recovery are of the good ones.
"""


@dataclass(frozen=True, slots=True)
class Caller:
    """Asks one server by an open loop; every run has arrivals of its own."""

    server: ServerProcess
    request: HttpRequest
    hostile: Sequence[HttpRequest]
    course: Course
    deadline_seconds: float

    def run(self, requests: Sequence[bytes], phases: Sequence[Phase], seed: int) -> OpenLoopRun:
        """Begins once the server has come to rest: a request by itself is answered within its deadline."""
        self.server.wait_until(lambda: answers(self.server.port, self.request))
        return run_open_loop(
            self.server.port,
            requests,
            poisson_arrivals(phases, seed),
            connections=CONNECTIONS,
            patience_seconds=self.deadline_seconds + 5.0,
        )

    def swept(self, rate: float, seed: int) -> Swept:
        seconds = max(SWEEP_SECONDS, SWEEP_DEADLINES * self.deadline_seconds)
        run, span = self.run([http_bytes(self.request)], [Phase(rate, seconds)], seed), Span(0.2 * seconds, seconds)
        goodput = goodput_per_second(run, span, self.deadline_seconds)
        return Swept(rate, goodput, median_latency_seconds(run, span), run.is_valid)

    def overloaded(self, peak: float, seed: int) -> Round:
        course, turns = (
            self.course,
            self.course.turns(http_bytes(self.request), [http_bytes(bad) for bad in self.hostile]),
        )
        with watched_memory(self.server.pid) as watch:
            whole = self.run(turns, course.phases(peak), seed)
            ended = time.perf_counter()
        run, hostile = course.parted(whole)
        started = ended - float(np.nanmax(whole.ended, initial=course.after.end))
        memory = Memory([(at - started, megabytes) for at, megabytes in watch.readings])
        return Round(
            goodput_per_second(run, course.overload, self.deadline_seconds) / peak * 100,
            median_rejection_seconds(run, course.overload) * 1e3,
            recovery_seconds(run, course.calm, course.after),
            status_counts(run, course.overload),
            status_counts(hostile, course.overload),
            memory.most(course.overload) - memory.most(course.calm),
            run,
        )


def overload(argv: Sequence[str]) -> int:
    """Raises BenchError when the generator could not keep up in any round, or the server fails."""
    arguments = _arguments(argv)
    stage, deadline = take_stage(arguments.output), arguments.deadline_ms / 1e3
    console = stage.console
    log = arguments.output / "overload.log"
    with tempfile.TemporaryDirectory() as folder:
        console.print("building the network ...")
        model = build_dense_model(Path(folder), arguments.widths)
        command = functools.partial(gateway_command, model.models)
        queue = {"PENSTOCK_MAX_QUEUE_BYTES": str(QUEUE_BYTES)}
        with running_server(command, stage.cores.server, log, queue) as server:
            _make_ready(server, model)
            course = Course(arguments.times, arguments.overload_seconds, arguments.good_between)
            hostile = hostile_requests(pictures(1))
            caller = Caller(server, _request(arguments.deadline_ms), hostile, course, deadline)
            swept = list(_sweep(caller, console))
            peak = peak_of(swept)
            rounds = [_round(caller, peak, number, console) for number in range(1, arguments.rounds + 1)]
    valid = [found for found in rounds if found.run.is_valid]
    report = Report(
        f"The gateway under {arguments.times:g} times its peak load",
        _method(arguments, len(hostile)),
        stage.facts,
        versions(),
        figures=figures({}, _reported(valid)),
        tables=[sweep_table(swept), rounds_table(rounds, peak * course.times)],
        details={"sweep": [asdict(load) for load in swept], "rounds": [found.told() for found in rounds]},
    )
    picture = arguments.output / "overload.png"
    draw_overload(rounds[-1].run, course, peak, deadline, picture)
    stage.tell(report, "overload", picture)
    if not valid:
        raise BenchError("the generator was late in every round, so none counts; is the machine busy?")
    return 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="penstock bench overload", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="overloads after the sweep (default: 3)")
    parser.add_argument("--deadline-ms", type=int, default=250, help="of every request (default: 250)")
    parser.add_argument("--widths", type=int, nargs="+", default=list(WIDTHS), help="the network's hidden layers")
    parser.add_argument("--times", type=positive, default=2.0, help="the peak, offered (default: %(default)g)")
    parser.add_argument("--overload-seconds", type=positive, default=8.0, help="(default: %(default)g)")
    parser.add_argument(
        "--good-between", type=positive_count, metavar="N", help="a hostile request after every N (default: none)"
    )
    parser.add_argument("--output", type=Path, default=Path("bench-results"), help="folder (default: bench-results)")
    return parser.parse_args(argv)


def _request(deadline_ms: int) -> HttpRequest:
    request = TFS_JSON.request(pictures(1))
    return replace(request, headers={**request.headers, "x-request-timeout-ms": str(deadline_ms)})


def _make_ready(server: ServerProcess, model: DenseModel) -> None:
    server.wait_until(lambda: JSON.probe.is_up(server))
    JSON.probe.check(server, model)


def _sweep(caller: Caller, console: Console) -> Sequence[Swept]:
    """Rising loads around what a closed loop reaches, which also warms the server up."""
    closed = run_wrk(caller.server.port, [TFS_JSON.request(pictures(1))], CLOSED_LOOP_CONNECTIONS, CLOSED_LOOP_SECONDS)
    capacity = (closed.requests - closed.refused) / closed.seconds
    console.print(f"closed loop: {capacity:,.0f} requests/s")
    found = []
    for seed, share in enumerate(SWEEP):
        found.append(caller.swept(capacity * share, seed))
        console.print(f"{found[-1].offered_per_second:,.0f} a second: {found[-1].goodput_per_second:,.0f} good")
    return found


def peak_of(swept: Sequence[Swept]) -> float:
    """The best goodput of the loads that the generator kept up with, or of all where it never did.

    Raises BenchError when nothing was answered in time.
    """
    counted = [load for load in swept if load.is_valid] or swept
    peak = max(load.goodput_per_second for load in counted)
    if not peak:
        raise BenchError("nothing was answered in time, at no load of the sweep; try a longer --deadline-ms")
    return peak


def _round(caller: Caller, peak: float, number: int, console: Console) -> Round:
    found = caller.overloaded(peak, 100 + number)
    console.print(f"round {number}: goodput {found.goodput_percent:.0f} % of the peak")
    return found


def _reported(rounds: Sequence[Round]) -> dict[str, list[float]]:
    """By the names that the targets know; nothing when no round counts."""
    names = ("goodput_percent", "rejection_ms", "recovery_seconds", "grown_megabytes")
    return {name: [getattr(found, name) for found in rounds] for name in names} if rounds else {}


def _method(arguments: argparse.Namespace, kinds: int) -> str:
    good = arguments.good_between
    return METHOD.format(
        connections=CONNECTIONS,
        deadline=arguments.deadline_ms,
        widths="-".join(map(str, arguments.widths)),
        calm=CALM_SECONDS,
        overload=arguments.overload_seconds,
        times=arguments.times,
        after=AFTER_SECONDS,
        hostile="" if good is None else HOSTILE.format(good=good, kinds=kinds),
        queue=QUEUE_BYTES / 1e6,
    )
