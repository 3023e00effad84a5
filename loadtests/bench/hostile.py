"""`penstock bench hostile`: what callers that ask as ever see beside slow heads, silent connections and idle ones.

Alone and beside each kind in turns, round after round; the ratios are taken within a round.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import uvloop
from rich.progress import track

from loadtests.arrivals import Phase, poisson_arrivals
from loadtests.bench.asking import answers
from loadtests.bench.dense_model import build_dense_model, pictures
from loadtests.bench.errors import BenchError
from loadtests.bench.forms import TFS_JSON, http_bytes
from loadtests.bench.machine import versions
from loadtests.bench.processes import gateway_command, running_server
from loadtests.bench.results import Report
from loadtests.bench.stage import take_stage
from loadtests.bench.tables import markdown_table
from loadtests.bench.targets import figures
from loadtests.http_connection import HttpOpener
from loadtests.open_loop import Load, OpenLoopRun, run_load
from loadtests.wire import WireRequest

ALONE = "alone"
NUMBERS: Mapping[str, int] = MappingProxyType({"trickle": 1_000, "silent": 1_000, "idle": 10_000})
TITLES: Mapping[str, str] = MappingProxyType(
    {
        ALONE: "alone",
        "trickle": "beside heads that come by a byte a second",
        "silent": "beside connections that never send",
        "idle": "beside connections that asked once and rest",
    }
)
ROOM = 2_000
"""Beyond the idle connections: the gateway is told to hold them all; by default it would close the longest idle."""
CONNECTIONS, PATIENCE_SECONDS = 32, 20.0
READY_SECONDS = 60.0
METHOD = """\
The gateway with the embedded backend on one core, the generator on another: an open loop of {rate:g} Poisson arrivals a
second over {connections} connections, one JSON row each, latency counted from the moment a request was due; {seconds:g}
s alone and beside each kind of others in turns, {rounds} rounds. The others are a process of their own on the
generator's core, with a lower priority; what the gateway closes they open again. "held" were open at a turn's end.
"""


@dataclass(frozen=True, slots=True)
class Turn:
    """One kind in one round; latencies in ms, `held` and `opened` connections of the others."""

    kind: str
    p50_ms: float
    p99_ms: float
    requests: int
    failed: int
    late_share: float
    held: int = 0
    opened: int = 0


def hostile(argv: Sequence[str]) -> int:
    """Raises BenchError when the gateway fails."""
    arguments = _arguments(argv)
    stage = take_stage(arguments.output)
    environment = {"PENSTOCK_MAX_CONNECTIONS": str(max(NUMBERS.values()) + ROOM)}
    with tempfile.TemporaryDirectory() as folder:
        models = build_dense_model(Path(folder)).models
        log = arguments.output / "hostile.log"
        with running_server(
            lambda *ports: gateway_command(models, *ports), stage.cores.server, log, environment
        ) as server:
            rows = TFS_JSON.request(pictures(1))
            server.wait_until(lambda: answers(server.port, rows))
            request = http_bytes(rows)
            _turn(ALONE, server.port, request, arguments, seed=0)  # the first requests of all are slower
            order = [kind for _ in range(arguments.rounds) for kind in TITLES]
            numbered = track(enumerate(order, 1), "turns", len(order), console=stage.console, transient=True)
            turns = [_turn(kind, server.port, request, arguments, seed=seed) for seed, kind in numbered]
    report = Report(
        "Hostile connections",
        METHOD.format(rate=arguments.rate, connections=CONNECTIONS, seconds=arguments.seconds, rounds=arguments.rounds),
        stage.facts,
        versions(),
        figures=figures({}, {f"hostile_{kind}_ratio": p99_ratios(turns, kind) for kind in NUMBERS}),
        tables=[turns_table(turns)],
        details={"turns": [asdict(turn) for turn in turns]},
    )
    stage.tell(report, "hostile")
    return 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="penstock bench hostile", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns of every kind (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=12.0, help="length of a turn (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=300.0, help="requests a second (default: %(default)s)")
    parser.add_argument("--share", type=float, default=1.0, help="of the others' usual number (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=Path("bench-results"), help="folder (default: bench-results)")
    arguments = parser.parse_args(argv)
    if arguments.rounds < 1 or min(arguments.seconds, arguments.rate, arguments.share) <= 0:
        raise BenchError("--rounds, --seconds, --rate and --share must be above 0")
    return arguments


def _turn(kind: str, port: int, request: bytes, arguments: argparse.Namespace, *, seed: int) -> Turn:
    if kind == ALONE:
        return turn_of(kind, _asked(port, request, arguments, seed), {})
    with _attacked(port, kind, max(1, round(NUMBERS[kind] * arguments.share))) as others:
        run = _asked(port, request, arguments, seed)
        return turn_of(kind, run, others())


def _asked(port: int, request: bytes, arguments: argparse.Namespace, seed: int) -> OpenLoopRun:
    due = poisson_arrivals([Phase(arguments.rate, arguments.seconds)], seed)
    load = Load([WireRequest(request)], due, CONNECTIONS, PATIENCE_SECONDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run_load(HttpOpener("127.0.0.1", port), load))


class _Others:
    """Ends the process and returns what it says last: how many connections are held, how many were opened."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __call__(self) -> dict[str, int]:
        out, _ = self._process.communicate(timeout=READY_SECONDS)
        said: dict[str, int] = json.loads(out.splitlines()[-1])
        return said


@contextmanager
def _attacked(port: int, kind: str, number: int) -> Iterator[_Others]:
    """Entered once every connection was tried. Raises BenchError when the process fails."""
    command = [sys.executable, "-m", "loadtests.bench.attackers", str(port), kind, str(number)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            if not process.stdout or not process.stdout.readline():
                raise BenchError(f"the connections of the kind {kind} could not be opened")
            yield _Others(process)
        finally:
            process.kill()


def turn_of(kind: str, run: OpenLoopRun, others: Mapping[str, int]) -> Turn:
    good = run.status == 200
    seconds = run.latency_seconds[good]
    p50, p99 = (float(np.percentile(seconds, each)) * 1e3 if len(seconds) else float("nan") for each in (50, 99))
    failed = int(len(good) - np.count_nonzero(good))
    return Turn(kind, p50, p99, len(good), failed, run.late_share, others.get("held", 0), others.get("opened", 0))


def p99_ratios(turns: Sequence[Turn], kind: str) -> list[float]:
    """Beside that kind by alone, of each round."""
    alone, beside = ([turn.p99_ms for turn in turns if turn.kind == each] for each in (ALONE, kind))
    return [b / a for a, b in zip(alone, beside, strict=True)]


def turns_table(turns: Sequence[Turn]) -> str:
    """Medians of the rounds."""
    rows = []
    for kind, title in TITLES.items():
        found = [turn for turn in turns if turn.kind == kind]
        ratio = "" if kind == ALONE else f"{np.median(p99_ratios(turns, kind)):.2f}"
        medians = [f"{np.median([getattr(turn, name) for turn in found]):.2f}" for name in ("p50_ms", "p99_ms")]
        counts = [sum(turn.failed for turn in found), *(min(getattr(t, n) for t in found) for n in ("held", "opened"))]
        late = f"{max(turn.late_share for turn in found) * 100:.2f}"
        rows.append([title, *medians, ratio, *(f"{count:,}" for count in counts), late])
    titles = ["", "p50, ms", "p99, ms", "p99 by alone", "failed", "held, least", "opened, least", "sent late, %"]
    return markdown_table(titles, rows)
