"""`penstock bench overload`: twice the load that the gateway can serve, by an open loop, and the time after it.

The model is dear, near a millisecond a row. Every refusal costs the server's one core what reading a request costs,
some 40 us; with a model as cheap as that the core would be busy with refusals alone, and no gateway kept its goodput.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console

from loadtests.arrivals import Phase, poisson_arrivals
from loadtests.bench.asking import answers
from loadtests.bench.dense_model import DenseModel, build_dense_model, pictures
from loadtests.bench.errors import BenchError
from loadtests.bench.forms import TFS_JSON, HttpRequest, http_bytes
from loadtests.bench.lineup import JSON
from loadtests.bench.machine import versions
from loadtests.bench.overload_chart import draw_overload
from loadtests.bench.overload_figures import (
    Span,
    goodput_per_second,
    median_latency_seconds,
    median_rejection_seconds,
    recovery_seconds,
    status_counts,
)
from loadtests.bench.processes import ServerProcess, gateway_command, running_server
from loadtests.bench.results import Report
from loadtests.bench.stage import take_stage
from loadtests.bench.tables import markdown_table
from loadtests.bench.targets import figures
from loadtests.bench.wrk import run_wrk
from loadtests.open_loop import OpenLoopRun, run_open_loop

WIDTHS = (4096, 4096, 4096)
SWEEP = (0.6, 0.7, 0.8, 0.9, 1.0, 1.1)
"""Loads as shares of what a closed loop reached: the peak of the goodput lies among them."""
SWEEP_SECONDS, CALM_SECONDS, OVERLOAD_SECONDS, AFTER_SECONDS = 3.0, 4.0, 8.0, 6.0
CALM_SHARE, OVERLOAD_TIMES = 0.5, 2.0
CLOSED_LOOP_CONNECTIONS, CLOSED_LOOP_SECONDS = 128, 5.0
CONNECTIONS = 1024
CALM = Span(1.0, CALM_SECONDS)
OVERLOAD = Span(CALM_SECONDS, CALM_SECONDS + OVERLOAD_SECONDS)
AFTER = Span(OVERLOAD.end, OVERLOAD.end + AFTER_SECONDS)
METHOD = """\
The gateway alone on one core with the embedded backend, the generator on another: an open loop of Poisson arrivals over
{connections} connections, latency counted from the moment a request was due, a deadline of {deadline:.0f} ms that the
gateway is told and the answers are held to. One JSON row a request; the network is dense, 784-{widths}-10. The peak is
the best goodput of a sweep; then {calm:g} s at half of it, {overload:g} s at twice, {after:g} s at half.
"""


@dataclass(frozen=True, slots=True)
class Swept:
    """One load of the sweep, and what came of it."""

    offered_per_second: float
    goodput_per_second: float
    median_seconds: float
    is_valid: bool


@dataclass(frozen=True, slots=True)
class Round:
    """One overload: shares and times for the table, and the run itself for the picture."""

    goodput_percent: float
    rejection_ms: float
    recovery_seconds: float
    statuses: dict[int, int]
    run: OpenLoopRun

    def told(self) -> dict[str, object]:
        """All but the run's moments, for JSON."""
        late = {"late_share": self.run.late_share, "is_valid": self.run.is_valid}
        names = ("goodput_percent", "rejection_ms", "recovery_seconds", "statuses")
        return {name: getattr(self, name) for name in names} | late


@dataclass(frozen=True, slots=True)
class Caller:
    """Asks one server by an open loop; every run has arrivals of its own."""

    server: ServerProcess
    request: HttpRequest
    deadline_seconds: float

    def run(self, phases: Sequence[Phase], seed: int) -> OpenLoopRun:
        """Begins once the server has come to rest: a request by itself is answered within its deadline."""
        self.server.wait_until(lambda: answers(self.server.port, self.request))
        return run_open_loop(
            self.server.port,
            http_bytes(self.request),
            poisson_arrivals(phases, seed),
            connections=CONNECTIONS,
            patience_seconds=self.deadline_seconds + 5.0,
        )

    def swept(self, rate: float, seed: int) -> Swept:
        run, span = self.run([Phase(rate, SWEEP_SECONDS)], seed), Span(0.5, SWEEP_SECONDS)
        goodput = goodput_per_second(run, span, self.deadline_seconds)
        return Swept(rate, goodput, median_latency_seconds(run, span), run.is_valid)

    def overloaded(self, peak: float, seed: int) -> Round:
        calm, overload = peak * CALM_SHARE, peak * OVERLOAD_TIMES
        phases = [Phase(calm, CALM_SECONDS), Phase(overload, OVERLOAD_SECONDS), Phase(calm, AFTER_SECONDS)]
        run = self.run(phases, seed)
        return Round(
            goodput_per_second(run, OVERLOAD, self.deadline_seconds) / peak * 100,
            median_rejection_seconds(run, OVERLOAD) * 1e3,
            recovery_seconds(run, CALM, AFTER),
            status_counts(run, OVERLOAD),
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
        with running_server(lambda *ports: gateway_command(model.models, *ports), stage.cores.server, log) as server:
            _make_ready(server, model)
            caller = Caller(server, _request(arguments.deadline_ms), deadline)
            swept = list(_sweep(caller, console))
            peak = peak_of(swept)
            rounds = [_round(caller, peak, number, console) for number in range(1, arguments.rounds + 1)]
    valid = [found for found in rounds if found.run.is_valid]
    report = Report(
        "The gateway under twice its peak load",
        _method(arguments),
        stage.facts,
        versions(),
        figures=figures({}, _reported(valid)),
        tables=[sweep_table(swept), rounds_table(rounds, peak)],
        details={"sweep": [asdict(load) for load in swept], "rounds": [found.told() for found in rounds]},
    )
    picture = arguments.output / "overload.png"
    draw_overload(rounds[-1].run, OVERLOAD, peak, deadline, picture)
    stage.tell(report, "overload", picture)
    if not valid:
        raise BenchError("the generator was late in every round, so none counts; is the machine busy?")
    return 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="penstock bench overload", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="overloads after the sweep (default: 3)")
    parser.add_argument("--deadline-ms", type=int, default=250, help="of every request (default: 250)")
    parser.add_argument("--widths", type=int, nargs="+", default=list(WIDTHS), help="the network's hidden layers")
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
    names = ("goodput_percent", "rejection_ms", "recovery_seconds")
    return {name: [getattr(found, name) for found in rounds] for name in names} if rounds else {}


def sweep_table(swept: Sequence[Swept]) -> str:
    head = ["offered, requests/s", "good, requests/s", "p50 ms", "generator kept up"]
    rows = [
        [
            f"{load.offered_per_second:,.0f}",
            f"{load.goodput_per_second:,.0f}",
            f"{load.median_seconds * 1e3:.3g}",
            "yes" if load.is_valid else "no",
        ]
        for load in swept
    ]
    return markdown_table(head, rows)


def rounds_table(rounds: Sequence[Round], peak: float) -> str:
    head = [f"overload at {peak * OVERLOAD_TIMES:,.0f}/s", "goodput", "median rejection", "recovery", "answers", "late"]
    return markdown_table(head, [_round_cells(place, found) for place, found in enumerate(rounds, 1)])


def _round_cells(place: int, found: Round) -> list[str]:
    statuses = ", ".join(f"{count:,} x {status or 'none'}" for status, count in found.statuses.items())
    late = f"{found.run.late_share:.1%}" + ("" if found.run.is_valid else ": does not count")
    times = [f"{found.rejection_ms:.3g} ms", f"{found.recovery_seconds:.1f} s"]
    return [f"round {place}", f"{found.goodput_percent:.0f} % of the peak", *times, statuses, late]


def _method(arguments: argparse.Namespace) -> str:
    return METHOD.format(
        connections=CONNECTIONS,
        deadline=arguments.deadline_ms,
        widths="-".join(map(str, arguments.widths)),
        calm=CALM_SECONDS,
        overload=OVERLOAD_SECONDS,
        after=AFTER_SECONDS,
    )
