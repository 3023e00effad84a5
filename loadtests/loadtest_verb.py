"""`penstock loadtest`: a scenario made by Locust's users, or one of the other instruments by its name.

Watches the run, judges it by an objective, and leaves run.json, report.html and Locust's own page.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from rich.console import Console
from rich.live import Live

from loadtests.asked_model import ask_model
from loadtests.capacity_verb import run as capacity
from loadtests.environment import environment_facts
from loadtests.latencies import Latencies
from loadtests.live_view import LiveView
from loadtests.locust_options import THINK_SECONDS, not_negative
from loadtests.locust_process import PAGE, RESULT, Load, running_locust
from loadtests.open_loop_verb import run as open_loop
from loadtests.own_gateway import own_gateway
from loadtests.report.page import write_report
from loadtests.report.verb import run as report
from loadtests.run_result import RunResult, Verdict
from loadtests.server_watch import ServerWatch
from loadtests.shapes import SCENARIOS
from loadtests.slo import judge, parse_objective
from loadtests.soak import conclude_soak
from serving.access.key_argument import add_key_argument, chosen_key, without_keys

INSTRUMENTS: Mapping[str, Callable[[Sequence[str]], int]] = MappingProxyType(
    {"open-loop": open_loop, "capacity": capacity, "report": report}
)
"""Other ways to load the gateway, and the page of a run that is over, each with arguments of its own."""
USERS_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"rest": ("RestUser",), "grpc": ("GrpcUser",), "mixed": ("RestUser", "GrpcUser")}
)
OBJECTIVES = Path(__file__).parent / "slo"
RESULTS, REPORT = Path("loadtest-results"), "report.html"
DEFAULT_URL, DEFAULT_USERS, DEFAULT_SPAWN_RATE = "http://127.0.0.1:8080", 20, 100.0
FAILED = 1


def run(argv: Sequence[str]) -> int:
    """0 when the objective was held, 1 when it was missed. Raises NotServed, LocustFailed and InvalidSettings."""
    if argv and argv[0] in INSTRUMENTS:
        return INSTRUMENTS[argv[0]](argv[1:])
    arguments = _arguments(argv)
    console = Console(highlight=False, soft_wrap=True)
    folder = arguments.out or RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{arguments.scenario}"
    folder.mkdir(parents=True, exist_ok=True)
    facts = environment_facts()
    with ExitStack() as stack:
        if arguments.own_gateway:
            gateway = stack.enter_context(own_gateway(folder))
            arguments.url, arguments.grpc = gateway.url, gateway.grpc
        result = _watched(_load(arguments), folder, console)
    result = result.model_copy(update={"command": without_keys(("penstock", "loadtest", *argv)), "environment": facts})
    verdict = judge(result, arguments.objective, arguments.objective_name)
    return _conclude(result, verdict, folder, console)


def _load(arguments: argparse.Namespace) -> Load:
    key = chosen_key(arguments.api_key, token=arguments.token)
    return Load(
        scenario=arguments.scenario,
        users_kinds=USERS_OF[arguments.protocol],
        url=arguments.url,
        grpc=arguments.grpc,
        model=ask_model(
            arguments.url, arguments.model, api_key=key
        ).name,  # is there a gateway, before anything is started
        users=arguments.users,
        spawn_rate=arguments.spawn_rate,
        seconds=arguments.seconds or SCENARIOS[arguments.scenario].seconds,
        think_seconds=arguments.think_seconds,
        seed=arguments.seed,
        processes=arguments.processes,
        api_key=key,
    )


def _watched(load: Load, folder: Path, console: Console) -> RunResult:
    view = LiveView(f"{load.scenario}: {load.model} at {load.url}", load.seconds)
    watched = ServerWatch(load.url, load.model, api_key=load.api_key)
    with watched as watch, running_locust(load, folder) as locust:
        with Live(view, console=console, refresh_per_second=4):
            for place, told in enumerate(locust.told()):
                if not place:
                    watch.begin(told.elapsed_seconds)
                view.tell(told)
        if not console.is_terminal:
            console.line()  # there the view is one frame, without an end of line
        result = locust.result()
    during = tuple(sample for sample in watch.samples if sample.at_seconds <= result.seconds)
    return result.model_copy(update={"server": during})


def _conclude(result: RunResult, verdict: Verdict, folder: Path, console: Console) -> int:
    """Everything written, everything said."""
    result = result.model_copy(update={"verdict": verdict})
    result.write(folder / RESULT)
    write_report(result, folder / REPORT)
    is_held = verdict.met
    console.print(_summary(result))
    if result.lateness:
        own = Latencies.decoded(result.lateness)
        p50, p99 = (own.percentile_seconds(percent) * 1e3 for percent in (50, 99))
        console.print(
            f"the generator itself was late by p50 {p50:.2f} ms, p99 {p99:.2f} ms: as much of a latency may be its own"
        )
    for reason in verdict.reasons:
        console.print(reason, style="red" if reason.startswith("MISSED") else "green", markup=False)
    for error, count in sorted(result.errors.items(), key=lambda each: -each[1])[:5]:
        console.print(f"{count:>7,} x {error}", markup=False)
    if result.scenario == "soak" and result.server:
        is_held = conclude_soak(result, folder, console) and is_held
    console.print(f"written: {folder / RESULT}, {folder / REPORT}, {folder / PAGE}", markup=False)
    return 0 if is_held else FAILED


def _summary(result: RunResult) -> str:
    latencies = result.latencies
    p50, p95, p99 = (latencies.percentile_seconds(percent) * 1e3 for percent in (50, 95, 99))
    return (
        f"{result.sent:,} requests in {result.seconds:.0f} s, {result.failed:,} failed; "
        f"p50 {p50:.2f} ms, p95 {p95:.2f} ms, p99 {p99:.2f} ms, {result.goodput_per_second:.1f} good/s"
    )


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.users < 1 or arguments.spawn_rate <= 0 or arguments.seconds < 0 or arguments.processes < 0:
        parser.error("--users is at least 1, --spawn-rate above 0, --seconds and --processes not below 0")
    own = OBJECTIVES / f"{arguments.scenario}.toml"
    file = arguments.slo or (own if own.exists() else OBJECTIVES / "default.toml")
    try:
        arguments.objective, arguments.objective_name = parse_objective(file.read_text(), file.name), file.stem
    except (OSError, ValueError) as wrong:
        parser.error(str(wrong))
    return arguments


def _parser() -> argparse.ArgumentParser:
    scenarios = "".join(f"\n  {each.name:<10}{each.summary} ({each.seconds:g} s)" for each in SCENARIOS.values())
    parser = argparse.ArgumentParser(
        prog="penstock loadtest",
        description="Load a running gateway with Locust's users and judge it by an objective.",
        epilog=f"scenarios:{scenarios}\n\nbeside these, each with its own --help: {', '.join(INSTRUMENTS)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("scenario", nargs="?", choices=SCENARIOS, default="steady", help="shape of the load (default: %(default)s)")
    add("--url", default=DEFAULT_URL, help="where the gateway is (default: %(default)s)")
    add("--protocol", choices=USERS_OF, default="rest", help="what the users speak (default: %(default)s)")
    add("--grpc", default="", metavar="HOST:PORT", help="where gRPC is (default: the URL's host, port 8500)")
    add("--model", help="the model asked (default: the last by name of those served)")
    add_key_argument(parser)
    add("--users", type=int, default=DEFAULT_USERS, help="at the peak (default: %(default)s)")
    add("--spawn-rate", type=float, default=DEFAULT_SPAWN_RATE, help="users a second (default: %(default)g)")
    add("--seconds", type=float, default=0.0, help="length of the run (default: the scenario's)")
    add("--think-seconds", type=not_negative, default=THINK_SECONDS,
        help="mean pause between an answer and the next request (default: %(default)s)")  # fmt: skip
    add("--slo", type=Path, metavar="FILE", help="objective (TOML); default: slo/SCENARIO.toml, else slo/default.toml")
    add("--processes", type=int, default=0, metavar="N", help="Locust's workers, a core each (default: one process)")
    add("--seed", type=int, default=1, help="of payloads and pauses (default: %(default)s)")
    add("--out", type=Path, metavar="DIR", help=f"folder (default: {RESULTS}/TIME-SCENARIO)")
    add("--own-gateway", action="store_true", help="start a gateway for this run alone, on a model made for it")
    return parser


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
