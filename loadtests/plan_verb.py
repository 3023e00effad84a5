"""`penstock plan`: batch size, calls in flight and replicas for a rate and a p99, predicted from what was measured.

Without --measured or --stats it measures the gateway at --url, which takes about half a minute (and --rates more) in
which nothing else should use the machine.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from loadtests.asked_model import NotServed
from loadtests.bench.tables import digits
from loadtests.capacity import (
    REQUESTS,
    Choice,
    Objective,
    Plan,
    Predicted,
    Unreachable,
    as_measured,
    capacity_per_second,
    curve,
    recommended,
)
from loadtests.environment import environment_facts
from loadtests.measure_capacity import Wanted, measure
from loadtests.measured_gateway import learned_calls
from loadtests.measurement import CurvePoint, Measurement
from loadtests.plan_chart import draw_plan
from loadtests.run_result import RunResult
from serving.access.key_argument import add_key_argument, chosen_key
from serving.errors import InvalidSettings

UNREACHABLE, WRONG_USE = 1, 2
LOADS = (0.1, 0.25, 0.4, 0.55, 0.7, 0.8, 0.9, 0.95)
"""Shares of the capacity at which the curve is drawn."""


class Misused(Exception):
    """Arguments that do not go together, or a file that is not what it should be."""


def plan(argv: Sequence[str]) -> int:
    """Exit code 1 when no number of replicas meets the objective, or nobody answers; 2 for wrong use."""
    arguments = _arguments(argv)
    console, errors = Console(), Console(stderr=True)
    try:
        measured = _measurement(arguments, console)
        if arguments.save:  # before the planning, which may find that nothing helps
            arguments.save.write_text(measured.model_dump_json(indent=1) + "\n")
            console.print(f"measured: {arguments.save}", highlight=False, soft_wrap=True)
        points = [*measured.curve, *(_point(path, measured.model) for path in arguments.run)]
        objective = Objective(arguments.rate, arguments.p99_ms / 1e3)
        found = recommended(measured, objective, number=arguments.requests)
    except (Misused, InvalidSettings) as error:
        errors.print(f"penstock plan: {error}", markup=False, highlight=False, soft_wrap=True)
        return WRONG_USE
    except (Unreachable, NotServed, ValueError, OSError) as error:
        errors.print(f"penstock plan: {error}", markup=False, highlight=False, soft_wrap=True)
        return UNREACHABLE
    _tell_plan(console, measured, objective, found)
    one = _whole_curve(measured, as_measured(measured), points, arguments.requests)
    _tell_curve(console, one, points)
    if arguments.chart:
        chosen = _whole_curve(measured, found.choice, (), arguments.requests)
        draw_plan(one, points, chosen, objective, arguments.chart)
        console.print(f"picture: {arguments.chart}", highlight=False, soft_wrap=True)
    return 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="penstock plan", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=_positive, required=True, help="requests a second to be served, one row each")
    parser.add_argument("--p99-ms", type=_positive, required=True, help="the p99 they are to have")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--measured", type=Path, metavar="FILE", help="what --save wrote earlier")
    source.add_argument(
        "--stats", type=Path, metavar="FILE", help="an answer of GET /v2/models/MODEL/stats; needs --gateway-us"
    )
    source.add_argument(
        "--url", default="http://127.0.0.1:8080", help="a gateway on this machine (default: %(default)s)"
    )
    add_key_argument(parser)
    parser.add_argument("--model", help="of the gateway (default: the last by name)")
    parser.add_argument("--backend", choices=["embedded", "tfserving"], default="embedded", help="the gateway's")
    parser.add_argument("--gateway-cores", type=int, default=1, help="that one gateway may use (default: 1)")
    parser.add_argument("--gateway-us", type=_positive, help="a gateway's own processor time a request, if it is known")
    parser.add_argument("--wire-us", type=float, default=0.0, help="with --stats: what passes outside (default: 0)")
    parser.add_argument(
        "--rates", type=_positive, nargs="+", default=[], help="rates at which the gateway is measured too"
    )
    parser.add_argument("--repetitions", type=int, default=5, help="of each of --rates (default: 5)")
    parser.add_argument("--seconds", type=_positive, default=4.0, help="of each repetition (default: 4)")
    parser.add_argument("--requests", type=int, default=REQUESTS, help="that a prediction plays (default: %(default)s)")
    parser.add_argument("--run", type=Path, nargs="+", default=[], metavar="RUN.json", help="load tests to show beside")
    parser.add_argument("--save", type=Path, metavar="FILE", help="keep what was measured, as JSON")
    parser.add_argument("--chart", type=Path, metavar="FILE.png", help="draw latency against rate")
    return parser.parse_args(argv)


def _positive(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be above 0")
    return value


def _measurement(arguments: argparse.Namespace, console: Console) -> Measurement:
    if arguments.measured:
        return _own_work_as_told(_read(arguments.measured), arguments.gateway_us)
    if arguments.stats:
        return _learned(arguments)
    facts = environment_facts()
    wanted = Wanted(
        arguments.url,
        arguments.model,
        arguments.backend,
        arguments.gateway_cores,
        arguments.rates,
        arguments.repetitions,
        arguments.seconds,
        chosen_key(arguments.api_key, token=arguments.token),
    )
    found = measure(wanted, lambda what: console.print(f"measuring {what}", style="dim", highlight=False))
    return _own_work_as_told(found.model_copy(update={"environment": facts}), arguments.gateway_us)


def _own_work_as_told(measured: Measurement, microseconds: float | None) -> Measurement:
    return measured if microseconds is None else measured.model_copy(update={"gateway_seconds": microseconds / 1e6})


def _read(path: Path) -> Measurement:
    try:
        return Measurement.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise Misused(f"{path} is no measurement of `penstock plan --save`: {place}: {first['msg']}") from error


def _learned(arguments: argparse.Namespace) -> Measurement:
    if arguments.gateway_us is None:
        raise Misused("--stats knows only the model's calls: give --gateway-us too, or measure with --url")
    try:
        stats = json.loads(arguments.stats.read_bytes())
        rows, depth, calls = learned_calls(stats)
    except ValueError as error:
        raise Misused(f"{arguments.stats}: {error}") from error
    return Measurement(
        model=stats["model_stats"][-1]["name"],
        backend=arguments.backend,
        gateway_cores=arguments.gateway_cores,
        max_batch_rows=rows,
        in_flight_batches=depth,
        gateway_seconds=arguments.gateway_us / 1e6,
        wire_seconds=arguments.wire_us / 1e6,
        calls=calls,
    )


def _point(path: Path, model: str) -> CurvePoint:
    """A load test as a point of the curve."""
    try:
        run = RunResult.read(path)
    except ValueError as error:
        raise Misused(str(error)) from error
    if run.model != model or run.offered_per_second is None or run.invalid_because is not None:
        raise Misused(f"{path} is no valid open-loop run of the model {model}")
    seconds = run.latencies
    return CurvePoint(
        rate_per_second=run.offered_per_second,
        p50_seconds=seconds.percentile_seconds(50),
        p99_seconds=seconds.percentile_seconds(99),
        mean_seconds=seconds.mean_seconds,
    )


def _whole_curve(measured: Measurement, choice: Choice, points: Sequence[CurvePoint], number: int) -> list[Predicted]:
    """At shares of the capacity, and at the rates of `points`."""
    most = capacity_per_second(measured, choice)
    rates = {*(point.rate_per_second for point in points), *(load * most for load in LOADS)}
    return curve(measured, choice, sorted(rates), number)


def _tell_plan(console: Console, measured: Measurement, objective: Objective, found: Plan) -> None:
    choice, result = found.choice, found.predicted
    table = Table(
        "", "", title=f"{measured.model}: {digits(objective.rate_per_second)} requests/s", box=None, show_header=False
    )
    table.add_row("gateways", str(choice.gateways))
    if choice.model_servers is not None:
        table.add_row("model servers", str(choice.model_servers))
    table.add_row("batch size (PENSTOCK_MAX_BATCH_ROWS)", f"{choice.batch_rows}: {found.batch_reason}")
    table.add_row("in flight (PENSTOCK_MAX_IN_FLIGHT_BATCHES)", str(choice.in_flight_batches))
    table.add_row("p50, p99 predicted", f"{_ms(result.p50_seconds)}, {_ms(result.p99_seconds)}")
    table.add_row("p99 asked for", _ms(objective.p99_seconds))
    table.add_row("rows of a batch", f"{result.mean_batch_rows:.1f}")
    table.add_row("a gateway's core is busy", f"{found.gateway_share:.0%}")
    table.add_row("the model is busy", f"{found.model_share:.0%}")
    console.print(table)


def _tell_curve(console: Console, one: Sequence[Predicted], points: Sequence[CurvePoint]) -> None:
    table = Table("requests/s", title="one gateway, as measured", box=None)
    for head in ("p50 predicted", "measured", "p99 predicted", "measured", "rows of a batch", "measured"):
        table.add_column(head, justify="right")
    at = {point.rate_per_second: point for point in points}
    for result in one:
        point = at.get(result.rate_per_second)
        table.add_row(*_curve_cells(result, point), style="bold" if point else "")
    console.print(table)


def _curve_cells(result: Predicted, point: CurvePoint | None) -> list[str]:
    p50 = p99 = rows = ""
    if point is not None:
        p50 = _beside(result.p50_seconds, point.p50_seconds)
        p99 = _beside(result.p99_seconds, point.p99_seconds)
        rows = "" if point.mean_batch_rows is None else f"{point.mean_batch_rows:.1f}"
    return [
        digits(result.rate_per_second),
        _ms(result.p50_seconds),
        p50,
        _ms(result.p99_seconds),
        p99,
        f"{result.mean_batch_rows:.1f}",
        rows,
    ]


def _beside(predicted_seconds: float, measured_seconds: float) -> str:
    return f"{_ms(measured_seconds)} ({predicted_seconds / measured_seconds - 1:+.0%})"


def _ms(seconds: float) -> str:
    return f"{digits(seconds * 1e3)} ms"
