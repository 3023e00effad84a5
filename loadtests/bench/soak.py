"""`penstock bench soak`: half an hour at a share of what the gateway can serve, while versions come and go.

What may not grow is memory, open files and threads; what may not get slower is the p99 of a second; and no request may
fail.
"""

import argparse
import functools
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from loadtests.arrivals import Phase, poisson_arrivals
from loadtests.asked_server import AskedServer, positive
from loadtests.bench.asking import answers
from loadtests.bench.dense_model import MODEL, build_dense_model, pictures
from loadtests.bench.forms import TFS_JSON, HttpRequest, http_bytes
from loadtests.bench.processes import ServerProcess, gateway_command, running_server
from loadtests.bench.republish import stage_next, swap_in
from loadtests.bench.stage import take_stage
from loadtests.bench.wrk import run_wrk
from loadtests.open_loop_measure import measured, run_result, write_run
from loadtests.soak import conclude_soak
from loadtests.wire import WireRequest

WIDTHS = (2048, 2048)
CLOSED_LOOP_CONNECTIONS, CLOSED_LOOP_SECONDS = 128, 10.0
CONNECTIONS = 512
"""Of the open loop: as few as 64 would all be waiting for batches of 32, and hold the load back."""
FAILED = 1


@dataclass(slots=True)
class Publishing:
    """How often the version was changed, and what ended it before its time."""

    published: int = 0
    failures: list[Exception] = field(default_factory=list)


def soak(argv: Sequence[str]) -> int:
    """0 where nothing drifted and nothing failed, else 1. Raises BenchError when the gateway fails."""
    arguments = _arguments(argv)
    stage = take_stage(arguments.output)
    request = TFS_JSON.request(pictures(1))
    with tempfile.TemporaryDirectory() as folder:
        models = build_dense_model(Path(folder), WIDTHS).models
        command = functools.partial(gateway_command, models)
        with running_server(command, stage.cores.server, arguments.output / "soak.log") as server:
            server.wait_until(lambda: answers(server.port, request))
            rate = arguments.rate or arguments.share * capacity(server, request)
            told = "as asked" if arguments.rate else f"{arguments.share:.0%} of what a closed loop reached"
            stage.console.print(f"{rate:,.0f} requests/s, {told}", highlight=False)
            with publishing(server, models, arguments.publish_seconds) as changes:
                is_held = _soaked(server, request, rate, arguments, stage.console)
    stage.console.print(f"{changes.published} versions were published meanwhile, each in the place of the one before")
    if changes.failures:
        raise changes.failures[0]
    return 0 if is_held else FAILED


def _soaked(
    server: ServerProcess, request: HttpRequest, rate: float, arguments: argparse.Namespace, console: Console
) -> bool:
    url, seconds = f"http://127.0.0.1:{server.port}", arguments.minutes * 60
    wire = (WireRequest(http_bytes(request)),)
    asked = AskedServer("rest", url, MODEL, url, wire, (200,), CONNECTIONS, float("inf"))
    found = measured(asked, poisson_arrivals([Phase(rate, seconds)], 1), 1, console, planned_seconds=seconds)
    run = run_result(found, asked, scenario="soak", command=("penstock", "bench", "soak"), environment={})
    write_run(run, arguments.output)
    p50, p99 = (run.latencies.percentile_seconds(percent) * 1e3 for percent in (50, 99))
    console.print(f"{run.sent:,} requests, {run.failed} failed; p50 {p50:.2f} ms, p99 {p99:.2f} ms")
    if run.invalid_because:
        console.print(run.invalid_because, style="red", markup=False)
    return conclude_soak(run, arguments.output, console) and not run.failed


def capacity(server: ServerProcess, request: HttpRequest) -> float:
    """Requests a second that were answered rightly, by as many callers as the server cares for."""
    found = run_wrk(server.port, [request], CLOSED_LOOP_CONNECTIONS, CLOSED_LOOP_SECONDS)
    return (found.requests - found.refused) / found.seconds


@contextmanager
def publishing(server: ServerProcess, models: Path, every_seconds: float) -> Iterator[Publishing]:
    """Changes the version until the block ends."""
    changes, over = Publishing(), threading.Event()

    def change() -> None:
        try:
            while not over.wait(every_seconds):
                version = changes.published + 2
                swap_in(server, stage_next(models, version), version)
                changes.published += 1
        except Exception as error:  # noqa: BLE001 - the thread's outermost frame: raised again by whoever made it
            changes.failures.append(error)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield changes
    finally:
        over.set()
        thread.join()


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="penstock bench soak", description=__doc__)
    parser.add_argument("--minutes", type=positive, default=30.0, help="(default: %(default)g)")
    parser.add_argument("--share", type=positive, default=0.7, help="of the capacity (default: %(default)g)")
    parser.add_argument("--rate", type=positive, help="requests a second, in the place of a share of the capacity")
    parser.add_argument(
        "--publish-seconds", type=positive, default=30.0, help="between two versions (default: %(default)g)"
    )
    parser.add_argument("--output", type=Path, default=Path("bench-results"), help="folder (default: bench-results)")
    return parser.parse_args(argv)
