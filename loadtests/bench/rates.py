"""`penstock bench rates`: servers beside each other, asked at the same rates by Poisson arrivals of an open loop.

A closed loop asks every server as fast as that server answers, so the latencies of two servers belong to two loads.
Here each is asked for the same: what a caller sees at 500 requests a second, and where each of them can no more.
"""

import argparse
import functools
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console

from loadtests.arrivals import Phase, poisson_arrivals
from loadtests.bench.dense_model import DenseModel, build_dense_model
from loadtests.bench.errors import BenchError
from loadtests.bench.forms import http_bytes
from loadtests.bench.lineup import OWN_SERVERS, Server, only_rows
from loadtests.bench.listening import check_loopback_only
from loadtests.bench.machine import versions
from loadtests.bench.peers import peer_servers
from loadtests.bench.probes import HttpProbe
from loadtests.bench.processes import ServerProcess, running_server
from loadtests.bench.rates_chart import draw_latencies
from loadtests.bench.results import Report
from loadtests.bench.stage import Stage, take_stage
from loadtests.bench.tables import digits, markdown_table
from loadtests.open_loop import LATE_SECONDS, LATE_SHARE, OpenLoopRun, run_open_loop

RATES = (250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
OK = 200
PATIENCE_SECONDS = 1.0
"""An answer later than this, or any but 200, is none: the caller has given up."""
HELD_SHARE = 0.99
"""A server that answers fewer of a rate's requests does not hold it, and is not asked for more."""
WARM_UP_SECONDS = 1.5
OWN_ROWS = ("fastapi", "naive", "json")
METHOD = """\
One server at a time, alone on one core; the generator on another. Poisson arrivals over {connections} connections,
latency counted from the moment a request was due, {seconds:g} s a rate after {warm_up:g} s of warming up; rounds that
take turns: {rounds}; medians. One row of 784 numbers as JSON a request, the network dense, 784-128-10. A rate is held
when 99 % of its requests are answered rightly within {patience:g} s; a server that does not hold a rate is not asked
for a higher one. A run in which the generator fell behind does not count.
"""


class Entry(NamedTuple):
    """A line of the table."""

    server: Server
    title: str
    probe: HttpProbe


@dataclass(frozen=True, slots=True)
class AtRate:
    """What callers of one server saw at one rate; NaN where nothing was answered."""

    per_second: float
    good_share: float
    p50_ms: float
    p99_ms: float
    is_valid: bool

    @property
    def is_held(self) -> bool:
        return self.good_share >= HELD_SHARE


def seen(run: OpenLoopRun, per_second: float) -> AtRate:
    good = (run.status == OK) & (run.latency_seconds <= PATIENCE_SECONDS)
    latency = run.latency_seconds[run.status == OK]
    p50, p99 = np.percentile(latency, [50, 99]) * 1e3 if len(latency) else (float("nan"), float("nan"))
    late = float(np.mean(run.own_lateness_seconds > LATE_SECONDS))
    return AtRate(per_second, float(np.mean(good)), float(p50), float(p99), late <= LATE_SHARE)


def rates(argv: Sequence[str]) -> int:
    """Raises BenchError for what cannot be measured."""
    arguments = _parser().parse_args(argv)
    stage = take_stage(arguments.output)
    (arguments.output / "logs").mkdir(exist_ok=True)
    lineup = list(_lineup(arguments.only, with_peers=arguments.peers))
    found: dict[str, list[AtRate]] = {entry.title: [] for entry in lineup}
    left_out = {}
    with tempfile.TemporaryDirectory() as folder:
        ladder = Ladder(stage, build_dense_model(Path(folder)), arguments)
        for number in range(1, arguments.rounds + 1):
            for entry in lineup:
                stage.console.print(f"round {number}: {entry.title}", highlight=False)
                try:
                    found[entry.title] += ladder.climb(entry, number)
                except BenchError as error:
                    if not entry.server.optional:
                        raise BenchError(f"{entry.server.name}: {error}") from error
                    left_out[entry.title] = str(error)
    medians = {title: medians_of(turns) for title, turns in found.items() if turns and title not in left_out}
    report = Report(
        "Servers at the same rates, open loop",
        _method(arguments),
        stage.facts,
        versions(),
        left_out=left_out,
        tables=[rates_table(medians)],
        details={"turns": {title: [asdict(one) for one in turns] for title, turns in found.items()}},
    )
    picture = arguments.output / "rates.png"
    draw_latencies(
        {
            title: [(one.per_second, one.p50_ms, one.p99_ms) for one in line if one.is_held]
            for title, line in medians.items()
        },
        picture,
    )
    stage.tell(report, "rates", picture)
    return 0


def medians_of(turns: Sequence[AtRate]) -> list[AtRate]:
    """One for each rate that was asked for, rising, of the turns that count; a rate whose turns do not is left out."""
    medians = []
    for rate in sorted({turn.per_second for turn in turns}):
        valid = [turn for turn in turns if turn.per_second == rate and turn.is_valid]
        if valid:
            share, p50, p99 = (
                statistics.median(getattr(turn, name) for turn in valid) for name in ("good_share", "p50_ms", "p99_ms")
            )
            medians.append(AtRate(rate, share, p50, p99, is_valid=True))
    return medians


def rates_table(medians: dict[str, list[AtRate]]) -> str:
    """p50 and p99 of every server at every rate, or how many of the requests were answered where it was not held."""
    asked = sorted({one.per_second for line in medians.values() for one in line})
    head = ["p50 / p99 in ms at requests/s", *(f"{rate:,.0f}" for rate in asked)]
    lines = []
    for title, line in medians.items():
        by_rate = {one.per_second: one for one in line}
        lines.append([title, *(_cell(by_rate.get(rate)) for rate in asked)])
    return markdown_table(head, lines)


def _cell(one: AtRate | None) -> str:
    if one is None:
        return ""
    if not one.is_held:
        return f"{one.good_share:.0%} answered"
    return f"{digits(one.p50_ms)} / {digits(one.p99_ms)}"


@dataclass(frozen=True, slots=True)
class Ladder:
    """Asks servers for rising rates, each server started anew for it."""

    stage: Stage
    model: DenseModel
    arguments: argparse.Namespace

    def climb(self, entry: Entry, number: int) -> list[AtRate]:
        """Every rate up to the first that is not held. Raises BenchError."""
        server, probe, found = entry.server, entry.probe, list[AtRate]()
        log = self.arguments.output / "logs" / f"{server.name}.log"
        command = functools.partial(server.command, self.model)
        with running_server(command, self.stage.cores.server, log, server.environment(self.model)) as running:
            running.wait_until(lambda: probe.is_up(running))
            if not server.any_address:
                check_loopback_only(running.pid)
            probe.check(running, self.model)
            steps = sorted(self.arguments.rates)
            self._ask(running, probe, Phase(steps[0], WARM_UP_SECONDS), seed=0)
            for place, rate in enumerate(steps):
                phase = Phase(rate, self.arguments.seconds)
                found.append(self._ask(running, probe, phase, seed=100 * number + place))
                _tell(self.stage.console, found[-1])
                if not found[-1].is_held:
                    break
        return found

    def _ask(self, running: ServerProcess, probe: HttpProbe, phase: Phase, *, seed: int) -> AtRate:
        """Begins once the server has come to rest: a request by itself is answered."""
        running.wait_until(lambda: probe.is_up(running))
        run = run_open_loop(
            running.port,
            [http_bytes(probe.request)],
            poisson_arrivals([phase], seed),
            connections=self.arguments.connections,
            patience_seconds=PATIENCE_SECONDS,
        )
        return seen(run, phase.rate_per_second)


def _tell(console: Console, one: AtRate) -> None:
    note = "" if one.is_valid else ", the generator fell behind"
    console.print(
        f"  {one.per_second:,.0f}/s: {one.good_share:.1%} good, p50 {one.p50_ms:.3g} ms, p99 {one.p99_ms:.3g} ms{note}",
        highlight=False,
    )


def _lineup(only: Sequence[str] | None, *, with_peers: bool) -> Iterator[Entry]:
    """Each server with its row of one JSON row a request."""
    for server in (*only_rows(OWN_SERVERS, OWN_ROWS), *(peer_servers() if with_peers else ())):
        for row in server.rows:
            probe = row.probe
            if (
                isinstance(probe, HttpProbe)
                and row.rows == 1
                and not server.missing
                and row.name in (only or [row.name])
            ):
                yield Entry(server, row.title, probe)


def _method(arguments: argparse.Namespace) -> str:
    return METHOD.format(
        connections=arguments.connections,
        seconds=arguments.seconds,
        warm_up=WARM_UP_SECONDS,
        rounds=arguments.rounds,
        patience=PATIENCE_SECONDS,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="penstock bench rates", description=__doc__)
    parser.add_argument("--rates", type=float, nargs="+", default=list(RATES), help="requests a second, each tried")
    parser.add_argument("--rounds", type=int, default=3, help="turns of every server, interleaved (default: 3)")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of a rate (default: 3)")
    parser.add_argument("--connections", type=int, default=64, help="open at once (default: 64)")
    parser.add_argument("--only", nargs="+", metavar="ROW", help="these rows alone")
    parser.add_argument("--peers", action="store_true", help="the other model servers that are installed as well")
    parser.add_argument("--output", type=Path, default=Path("bench-results"), help="folder (default: bench-results)")
    return parser
