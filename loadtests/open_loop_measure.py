"""One load on a server, watched by a person and with the server watched, to the result that a run leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from loadtests.arrivals import Seconds
from loadtests.asked_server import AskedServer
from loadtests.grpc_connection import status_name
from loadtests.open_loop import Progress
from loadtests.open_loop_tally import Tally, intervals
from loadtests.open_loop_view import LiveLine
from loadtests.open_loop_workers import run_order
from loadtests.report.page import write_report
from loadtests.run_result import RunResult, ServerSample
from loadtests.server_watch import ServerWatch
from serving.access.key_argument import without_keys

RESULTS = Path("loadtest-results")


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of a load whose arrivals were spread over `planned_seconds`."""

    tally: Tally
    samples: tuple[ServerSample, ...]
    started_at: datetime
    planned_seconds: float

    @property
    def seconds(self) -> float:
        """To the last answer, where that came after the last arrival."""
        return max(self.planned_seconds, self.tally.ended_seconds)


def measured(
    server: AskedServer,
    due: Seconds,
    processes: int,
    console: Console,
    *,
    planned_seconds: float,
    bound_seconds: float = float("inf"),
) -> Measured:
    """One load, with a line of its progress where there is a terminal. Raises what `run_order` does."""
    line, started_at = LiveLine(len(due), planned_seconds), datetime.now(UTC)
    watched = ServerWatch(server.url, server.model, api_key=server.api_key)
    with watched as watch, Live(console=console, transient=True) as live:

        def show(progress: Sequence[Progress]) -> None:
            live.update(Text(line.text(progress), no_wrap=True))

        order = server.order(due, bound_seconds)
        found = run_order(order, processes, watch=show if console.is_terminal else None, began=watch.begin)
    return Measured(found, watch.samples, started_at, planned_seconds)


def run_result(
    found: Measured, server: AskedServer, *, scenario: str, command: tuple[str, ...], environment: Mapping[str, str]
) -> RunResult:
    """`command` is kept without the keys in it."""
    tally = found.tally
    return RunResult(
        generator="open_loop",
        scenario=scenario,
        protocol=server.protocol,
        url=server.url,
        model=server.model,
        command=without_keys(command),
        started_at=found.started_at.isoformat(timespec="seconds"),
        seconds=found.seconds,
        offered_per_second=tally.sent / found.planned_seconds,
        sent=tally.sent,
        good=tally.good,
        statuses={status_name(status): count for status, count in tally.statuses.items()},
        errors=dict(tally.losses),
        latency=tally.latency,
        latency_from_sent=tally.latency_from_sent,
        lateness=tally.lateness,
        waited_for_connection=tally.waited,
        invalid_because=tally.invalid_because,
        intervals=intervals(tally),
        server=found.samples,
        environment=environment,
    )


def results_folder(out: Path | None, scenario: str) -> Path:
    """`out`, or a new one named after the time; made when it is not there."""
    folder = out or RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{scenario}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_run(result: RunResult, folder: Path) -> tuple[Path, Path]:
    """The paths of the result and of its page."""
    run, page = folder / "run.json", folder / "report.html"
    result.write(run)
    write_report(result, page)
    return run, page
