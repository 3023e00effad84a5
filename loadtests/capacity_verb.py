"""The verb `penstock loadtest capacity`: the largest Poisson rate that a server holds, and the curve to it."""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from rich.console import Console

from loadtests.arrivals import Phase, poisson_arrivals
from loadtests.asked_server import AskedServer, add_server_options, asked_server, positive
from loadtests.capacity_chart import draw_capacity
from loadtests.capacity_search import (
    LEAST_PER_SECOND,
    CapacityResult,
    Counts,
    Limit,
    Trial,
    knee,
    limit_above,
    search,
    trial_seconds,
)
from loadtests.environment import environment_facts
from loadtests.latencies import Latencies
from loadtests.open_loop_measure import RESULTS, Measured, measured, results_folder, run_result, write_run
from loadtests.open_loop_tally import merged
from loadtests.open_loop_view import duration
from loadtests.run_result import RunResult
from serving.access.key_argument import without_keys

BOUND_MS, START_PER_SECOND, SECONDS, RESOLUTION = 50.0, 100.0, 10.0, 0.05
LIMIT_WORDS: Mapping[Limit, str] = MappingProxyType(
    {"latency": "too many were late", "errors": "too many failed", "generator": "the generator could not keep up"}
)
ROUNDS = 3
"""A rate of which early stopping is not sure is tried so often, its counts added up, before it counts as missed."""
SETTLE_SECONDS, WARM_SECONDS = 1.0, 2.0
"""Between trials, so that one that drowned the server does not spoil the next; and before the first."""
TEXT = (
    "Search the largest rate of Poisson arrivals with p99 under a bound and errors under 0.1 %, as MLPerf's Server "
    "scenario does, by bisection. A trial is as long as MLPerf's early stopping needs (459 requests with none late, "
    "662 with one, 838 with two). Latency counts from the moment a request was due."
)


@dataclass(slots=True)
class Searching:
    """The trials so far; the run of the best is kept, for its page."""

    server: AskedServer
    arguments: argparse.Namespace
    console: Console
    result: Callable[[Measured], RunResult]
    trials: list[Trial] = field(default_factory=list)
    best: RunResult | None = None

    def holds(self, rate: float) -> bool:
        """Tries the rate, again while early stopping is unsure, and says what came of it."""
        rounds: list[Measured] = []
        while True:
            rounds.append(self._valid_load(rate, len(self.trials) * ROUNDS + len(rounds)))
            found = merged(each.tally for each in rounds)
            counts = Counts(found.sent, found.late, found.sent - found.good)
            if counts.verdict != "unsure" or found.invalid_because or len(rounds) == ROUNDS:
                break
        trial = _trial(rate, rounds, counts)
        self.trials.append(trial)
        self.console.print(told(trial), markup=False, highlight=False, soft_wrap=True)
        best_rate = self.best.offered_per_second if self.best else None
        if trial.is_held and (best_rate is None or rate > best_rate):
            self.best = self.result(rounds[-1])
        return trial.is_held

    def warm(self) -> None:
        self._load(self.arguments.start, -1, seconds=WARM_SECONDS)

    def _valid_load(self, rate: float, turn: int) -> Measured:
        """Once more where the generator fell behind: a passing disturbance of the machine ends no search."""
        found = self._load(rate, turn)
        return self._load(rate, turn) if found.tally.invalid_because else found

    def _load(self, rate: float, turn: int, seconds: float | None = None) -> Measured:
        seconds = seconds or trial_seconds(rate, self.arguments.seconds)
        seed = self.arguments.seed + 1000 + turn
        found = measured(
            self.server,
            poisson_arrivals([Phase(rate, seconds)], seed),
            self.arguments.processes,
            self.console,
            planned_seconds=seconds,
            bound_seconds=self.arguments.p99_ms / 1e3,
        )
        time.sleep(SETTLE_SECONDS)
        return found


def run(argv: Sequence[str]) -> int:
    """Exit codes: 0 found, 1 no rate held or the generator was the limit, 2 wrong use."""
    arguments = _arguments(argv)
    facts, command = environment_facts(), ("penstock", "loadtest", "capacity", *argv)
    server, console = asked_server(arguments), Console()
    folder, started_at = results_folder(arguments.out, "capacity"), datetime.now(UTC)
    searching = Searching(
        server,
        arguments,
        console,
        lambda found: run_result(found, server, scenario="capacity", command=command, environment=facts),
    )
    searching.warm()
    per_second = _searched(searching, arguments)
    trials = tuple(searching.trials)
    result = CapacityResult(
        url=server.url,
        model=server.model,
        protocol=server.protocol,
        command=without_keys(command),
        started_at=started_at.isoformat(timespec="seconds"),
        bound_seconds=arguments.p99_ms / 1e3,
        per_second=per_second,
        knee_per_second=knee(trials),
        limit=limit_above(trials, per_second),
        trials=trials,
        environment=facts,
    )
    console.print(conclusion(result), markup=False, highlight=False, soft_wrap=True)
    console.print(f"written: {', '.join(map(str, _write(result, searching.best, folder)))}", soft_wrap=True)
    return 0 if per_second is not None and result.limit != "generator" else 1


def _searched(searching: Searching, arguments: argparse.Namespace) -> float | None:
    """None when no rate held, or the generator kept up with none: a lower rate says no more then."""
    steps = search(
        arguments.start,
        resolution=arguments.resolution,
        least_per_second=min(arguments.start, arguments.least),
        most_per_second=arguments.most,
    )
    try:
        rate = next(steps)
        while True:
            held = searching.holds(rate)
            if searching.best is None and searching.trials[-1].limit == "generator":
                return None
            rate = steps.send(held)
    except StopIteration as over:
        found: float | None = over.value
        return found


def _trial(rate: float, rounds: Sequence[Measured], counts: Counts) -> Trial:
    found = merged(each.tally for each in rounds)
    latency = Latencies.decoded(found.latency)
    p50, p90, p99, p999 = (
        latency.percentile_seconds(percent) if latency.count else None for percent in (50, 90, 99, 99.9)
    )
    seconds = sum(each.seconds for each in rounds)
    is_held = counts.verdict == "held" and found.invalid_because is None
    return Trial(
        rate_per_second=rate,
        seconds=seconds,
        requests=counts.requests,
        late=counts.late,
        failed=counts.failed,
        goodput_per_second=found.good / seconds,
        p50_seconds=p50,
        p90_seconds=p90,
        p99_seconds=p99,
        p999_seconds=p999,
        invalid_because=found.invalid_because,
        is_held=is_held,
        limit=None if is_held else _limit(counts, found.invalid_because),
    )


def _limit(counts: Counts, invalid_because: str | None) -> Limit:
    if invalid_because is not None:
        return "generator"
    return "errors" if counts.too_many_failed else "latency"


def told(trial: Trial) -> str:
    """One line: `  1,600/s  held    p50 1.2 ms  p99 9.8 ms  12 of 16,004 late, 0 failed`."""
    verdict = "held  " if trial.is_held else f"missed ({trial.limit})"
    p50, p99 = (duration(float("nan") if value is None else value) for value in (trial.p50_seconds, trial.p99_seconds))
    counts = f"{trial.late:,} of {trial.requests:,} late, {trial.failed:,} failed"
    return f"{trial.rate_per_second:>9,.0f}/s  {verdict}  p50 {p50}  p99 {p99}  {counts}"


def conclusion(result: CapacityResult) -> str:
    bound = f"p99 under {duration(result.bound_seconds)} and errors under {result.errors_share:.1%}"
    if result.per_second is None and result.limit == "generator":
        return f"nothing was found: {result.trials[-1].invalid_because}"
    if result.per_second is None:
        return f"no rate held {bound}; {LIMIT_WORDS[result.limit or 'latency']} at the least that was tried"
    lines = [f"{result.model} over {result.protocol} holds {result.per_second:,.0f} requests a second with {bound}"]
    if result.knee_per_second is not None:
        lines.append(f"the knee of the curve is at {result.knee_per_second:,.0f} a second")
    if result.limit == "generator":
        lines.append("the generator, not the server, was the limit: more --processes on free cores, or another machine")
    return "\n".join(lines)


def _write(result: CapacityResult, best: RunResult | None, folder: Path) -> list[Path]:
    written = [folder / "capacity.json", folder / "capacity.png"]
    result.write(written[0])
    draw_capacity(result, written[1])
    return [*written, *(write_run(best, folder) if best else ())]


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="penstock loadtest capacity", description=TEXT)
    add_server_options(parser)
    add = parser.add_argument
    add("--p99-ms", type=positive, default=BOUND_MS, help="the bound (default: %(default)g)")
    add("--start", type=positive, default=START_PER_SECOND, help="first rate tried, a second (default: %(default)g)")
    add("--least", type=positive, default=LEAST_PER_SECOND, help="rate below which it ends (default: %(default)g)")
    add("--most", type=positive, default=float("inf"), help="rate at which the search ends (default: none)")
    add("--seconds", type=positive, default=SECONDS, help="of a trial, at least (default: %(default)g)")
    add("--resolution", type=positive, default=RESOLUTION, help="of the figure, as a share (default: %(default)g)")
    add("--out", type=Path, metavar="DIR", help=f"(default: a new folder in {RESULTS}/)")
    return parser.parse_args(argv)
