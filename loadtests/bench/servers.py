"""`penstock bench` and `penstock bench peers`: the gateway beside other servers, as tables, JSON and a picture."""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from loadtests.bench.chart import draw_rates
from loadtests.bench.dense_model import build_dense_model, pictures
from loadtests.bench.errors import BenchError
from loadtests.bench.forms import TFS_JSON
from loadtests.bench.lineup import (
    ALONE,
    GATEWAY_BESIDE_PEERS,
    MODEL_CALL,
    MODEL_CALL_TITLE,
    OWN_SERVERS,
    Server,
    only_rows,
)
from loadtests.bench.machine import environment_version, versions
from loadtests.bench.peers import ENVIRONMENTS, PACKAGE_OF_ENVIRONMENT, peer_servers
from loadtests.bench.progress import shown_progress
from loadtests.bench.results import Report
from loadtests.bench.side_by_side import Plan, SideBySide
from loadtests.bench.stage import take_stage
from loadtests.bench.targets import figures

OUTPUT = Path("bench-results")
SINGLE_CALLER = frozenset({ALONE.name, MODEL_CALL})
"""Rows for their latency: what one caller gets in a second is nobody's rate, so the chart leaves them out."""
METHOD = """\
One server at a time, alone on one core; the generator on another. Rounds that take turns: {rounds}; in each, every row
{seconds:g} s after {warm_up:g} s of warming up; medians. Over HTTP: wrk, {connections} keep-alive connections, closed
loop. Over gRPC: a client in Python with {connections} calls under way. Every server's answer was compared with numpy's
before it was timed. The network is dense, 784-128-10; a row of 784 numbers is {row_bytes:,} bytes of JSON. Ratios are
taken within a round.
"""


def servers(argv: Sequence[str]) -> int:
    """The gateway beside bare servers and a naive one. Raises BenchError for what cannot be measured."""
    return _run("servers", "The gateway beside other servers", OWN_SERVERS, argv, model_call=True)


def peers(argv: Sequence[str]) -> int:
    """The gateway beside the other model servers that are installed. Raises BenchError as `servers` does."""
    lineup = (GATEWAY_BESIDE_PEERS, *peer_servers())
    installed = {
        package: version
        for name, package in PACKAGE_OF_ENVIRONMENT.items()
        if (version := environment_version(ENVIRONMENTS / name, package))
    }
    return _run("peers", "The gateway beside other model servers", lineup, argv, installed=installed)


def _parser(name: str, rows: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"penstock bench {name}",
        description=__doc__,
        epilog="Other benchmarks: penstock bench servers, peers, overload or memory; each has its own --help.",
    )
    parser.add_argument("--rounds", type=int, default=5, help="turns of every row, interleaved (default: 5)")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of a turn (default: 3)")
    parser.add_argument("--connections", type=int, default=32, help="requests under way at once (default: 32)")
    parser.add_argument("--only", nargs="+", metavar="ROW", choices=rows, help=f"these rows alone: {', '.join(rows)}")
    parser.add_argument("--output", type=Path, default=OUTPUT, help=f"folder for what is found (default: {OUTPUT})")
    return parser


def _run(
    name: str,
    title: str,
    lineup: Sequence[Server],
    argv: Sequence[str],
    *,
    model_call: bool = False,
    installed: Mapping[str, str] | None = None,
) -> int:
    rows = {row.name: row for server in lineup for row in server.rows}
    titles = {row.name: row.title for row in rows.values()} | ({MODEL_CALL: MODEL_CALL_TITLE} if model_call else {})
    arguments = _parser(name, list(titles)).parse_args(argv)
    if arguments.only:
        lineup, model_call = only_rows(lineup, arguments.only), MODEL_CALL in arguments.only
    stage, plan = take_stage(arguments.output), _plan(arguments)
    turns = plan.rounds * (sum(len(server.rows) for server in lineup if not server.missing) + model_call)
    with tempfile.TemporaryDirectory() as folder, shown_progress(stage.console, titles, turns) as tell:
        model = build_dense_model(Path(folder))
        outcome = SideBySide(plan, model, stage.cores, tell).run(lineup, model_call=model_call)
    measured = outcome.measured(rows)
    report = Report(
        title,
        method_of(plan),
        stage.facts,
        {**versions(), **(installed or {})},
        measured,
        titles,
        figures(measured),
        outcome.left_out,
    )
    drawn = {row: found for row, found in measured.items() if row not in SINGLE_CALLER}
    pictures_drawn = [arguments.output / f"{name}.png"] if drawn else []
    for picture in pictures_drawn:
        draw_rates(drawn, titles, title, picture)
    stage.tell(report, name, *pictures_drawn)
    return 0


def _plan(arguments: argparse.Namespace) -> Plan:
    if arguments.rounds < 1 or arguments.seconds <= 0 or arguments.connections < 1:
        raise BenchError("--rounds, --seconds and --connections must be above 0")
    logs = arguments.output / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    return Plan(arguments.rounds, arguments.seconds, arguments.connections, logs)


def method_of(plan: Plan) -> str:
    row_bytes = len(TFS_JSON.request(pictures(1)).body)
    return METHOD.format(
        rounds=plan.rounds,
        seconds=plan.seconds,
        warm_up=plan.warm_up_seconds,
        connections=plan.connections,
        row_bytes=row_bytes,
    )
