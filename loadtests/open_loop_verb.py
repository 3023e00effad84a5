"""The verb `penstock loadtest open-loop`: one load with latency counted from when each request was meant to be sent."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from loadtests.arrivals import Phase, Seconds, poisson_arrivals, steady_arrivals
from loadtests.asked_server import add_server_options, asked_server, positive
from loadtests.environment import environment_facts
from loadtests.open_loop_measure import RESULTS, measured, results_folder, run_result, write_run
from loadtests.open_loop_view import summary
from loadtests.run_result import RunResult
from loadtests.traces import at_rate, interval_arrivals, trace_arrivals

RATE, SECONDS = 200.0, 30.0
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
    folder, console = results_folder(arguments.out, "open-loop"), Console()
    found = measured(server, due, arguments.processes, console, planned_seconds=_planned(arguments, due))
    scenario = arguments.arrivals if arguments.trace is None else f"trace {arguments.trace.name}"
    command = ("penstock", "loadtest", "open-loop", *argv)
    result = run_result(found, server, scenario=scenario, command=command, environment=facts)
    console.print(summary(result), markup=False, highlight=False, soft_wrap=True)
    written = write_run(result, folder)
    console.print(f"written: {', '.join(map(str, written))}", highlight=False, soft_wrap=True)
    return 1 if result.invalid_because else 0


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
