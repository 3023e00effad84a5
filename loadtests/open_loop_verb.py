"""The verb `penstock loadtest open-loop`: one load with latency counted from when each request was meant to be sent."""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from loadtests.arrivals import Phase, Seconds, poisson_arrivals, steady_arrivals
from loadtests.asked_server import AskedServer, add_server_options, asked_server, positive
from loadtests.environment import environment_facts
from loadtests.grpc_connection import status_name
from loadtests.open_loop_tally import Tally, intervals
from loadtests.open_loop_view import LiveLine, summary
from loadtests.open_loop_workers import Watch, run_order
from loadtests.report.page import write_report
from loadtests.run_result import RunResult, ServerSample
from loadtests.server_watch import ServerWatch
from loadtests.traces import at_rate, interval_arrivals, trace_arrivals

RATE, SECONDS = 200.0, 30.0
RESULTS = Path("loadtest-results")
TEXT = (
    "Send requests at moments set in advance, however slowly earlier ones are answered, and count latency from those "
    "moments: what callers feel, queues and freezes included. One core for each process of the generator must be free."
)


def run(argv: Sequence[str]) -> int:
    """Exit codes: 0 measured, 1 the run is invalid, 2 wrong use. Raises what server or trace are at fault for."""
    arguments = _arguments(argv)
    facts = environment_facts()
    server = asked_server(arguments)
    due = arrivals(arguments)
    started_at = datetime.now(UTC)
    console = Console()
    found, samples = watched_run(server, due, arguments.processes, console, planned_seconds=_planned(arguments, due))
    result = RunResult(
        **tally_facts(found),
        scenario=arguments.arrivals if arguments.trace is None else f"trace {arguments.trace.name}",
        protocol=server.protocol,
        url=server.url,
        model=server.model,
        command=("penstock", "loadtest", "open-loop", *argv),
        started_at=started_at.isoformat(timespec="seconds"),
        seconds=max(_planned(arguments, due), found.ended_seconds),
        offered_per_second=len(due) / _planned(arguments, due),
        server=samples,
        environment=facts,
    )
    console.print(summary(result), markup=False, highlight=False, soft_wrap=True)
    _write(result, results_folder(arguments.out, started_at, "open-loop"), console)
    return 1 if result.invalid_because else 0


def watched_run(
    server: AskedServer,
    due: Seconds,
    processes: int,
    console: Console,
    *,
    planned_seconds: float,
    bound_seconds: float = float("inf"),
) -> tuple[Tally, tuple[ServerSample, ...]]:
    """One load, with a line of its progress where there is a terminal, and how the server was meanwhile."""
    line = LiveLine(len(due), planned_seconds)
    with ServerWatch(server.url, server.model) as watch, Live(console=console, transient=True) as live:
        show: Watch = lambda progress: live.update(Text(line.text(progress), no_wrap=True))  # noqa: E731 - typed so
        order = server.order(due, bound_seconds)
        found = run_order(order, processes, watch=show if console.is_terminal else None, began=watch.begin)
    return found, watch.samples


def tally_facts(found: Tally) -> dict[str, Any]:
    """The fields of a RunResult that come from the requests alone."""
    return {
        "generator": "open_loop",
        "sent": found.sent,
        "good": found.good,
        "statuses": {status_name(status): count for status, count in found.statuses.items()},
        "errors": dict(found.losses),
        "latency": found.latency,
        "latency_from_sent": found.latency_from_sent,
        "lateness": found.lateness,
        "waited_for_connection": found.waited,
        "invalid_because": found.invalid_because,
        "intervals": intervals(found),
    }


def arrivals(arguments: argparse.Namespace) -> Seconds:
    """Raises ValueError for a trace that cannot be read as one, and for arguments that make no request."""
    if arguments.trace is not None:
        due = _traced(arguments)
    else:
        phases = [Phase(arguments.rate or RATE, arguments.seconds or SECONDS)]
        due = steady_arrivals(phases) if arguments.arrivals == "constant" else poisson_arrivals(phases, arguments.seed)
    if not len(due):
        raise ValueError("no request is due in this time at this rate; a higher --rate or more --seconds has some")
    return due


def _traced(arguments: argparse.Namespace) -> Seconds:
    path: Path = arguments.trace
    if path.name.endswith(".json"):
        due = interval_arrivals(RunResult.read(path).intervals, arguments.seed)
    else:
        due = trace_arrivals(path.read_text())
    due = at_rate(due, arguments.rate) if arguments.rate else due
    return due[due < arguments.seconds] if arguments.seconds else due


def _planned(arguments: argparse.Namespace, due: Seconds) -> float:
    """Seconds that arrivals are spread over."""
    if arguments.trace is None or arguments.seconds:
        return float(arguments.seconds or SECONDS)
    return max(float(due[-1]), 1e-3)


def results_folder(out: Path | None, started_at: datetime, scenario: str) -> Path:
    folder = out or RESULTS / f"{started_at:%Y%m%dT%H%M%SZ}-{scenario}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _write(result: RunResult, folder: Path, console: Console) -> None:
    result.write(folder / "run.json")
    write_report(result, folder / "report.html")
    console.print(f"written: {folder / 'run.json'}, {folder / 'report.html'}", highlight=False, soft_wrap=True)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="penstock loadtest open-loop", description=TEXT)
    add_server_options(parser)
    parser.add_argument(
        "--rate",
        type=positive,
        help=f"requests a second (default: {RATE:g}; of a trace: its own, else stretched to it)",
    )
    parser.add_argument("--seconds", type=positive, help=f"(default: {SECONDS:g}; of a trace: all of it)")
    parser.add_argument(
        "--arrivals", choices=("poisson", "constant", "trace"), default="poisson", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--trace",
        type=Path,
        metavar="FILE",
        help="moments, one a line (seconds, ISO 8601, or JSON with at_seconds), or a run.json to repeat",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"(default: a new folder in {RESULTS}/)")
    arguments = parser.parse_args(argv)
    if (arguments.arrivals == "trace") != (arguments.trace is not None):
        parser.error("--arrivals trace and --trace FILE go together")
    return arguments
