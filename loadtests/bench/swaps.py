"""`penstock bench swaps`: the gateway's memory and its latency while versions are swapped, fifty times.

Each swap publishes the version once more by one rename, waits until it answers and the old one is freed, and removes
the old one's files, under an open loop that never pauses.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from rich.progress import track

from loadtests.arrivals import Phase, Seconds, poisson_arrivals
from loadtests.bench.asking import answers
from loadtests.bench.dense_model import build_dense_model, pictures
from loadtests.bench.errors import BenchError
from loadtests.bench.forms import TFS_JSON, http_bytes
from loadtests.bench.machine import versions
from loadtests.bench.processes import (
    ServerProcess,
    gateway_command,
    resident_megabytes,
    running_server,
)
from loadtests.bench.republish import GIVE_UP_SECONDS, stage_next, swap_in
from loadtests.bench.results import Report
from loadtests.bench.stage import take_stage
from loadtests.bench.tables import markdown_table
from loadtests.bench.targets import figures
from loadtests.open_loop import LATE_SHARE, OpenLoopRun, run_open_loop

FIRST_READING = 5
CALM_SECONDS, SWAP_SECONDS = 1.0, 1.5
"""Of each round: the time before the swap, and the time after its begin; the load goes on to the end of both."""
POLL_SECONDS = 0.2
"""Between the gateway's looks at the model directory."""
CONNECTIONS, PERCENTILE = 32, 99
METHOD = """\
The gateway with the embedded backend on one core, the generator on another: an open loop of {rate:g} Poisson arrivals
a second over {connections} connections, one JSON row each, latency counted from the moment a request was due. {swaps}
times the network (dense, 784-128-10) is published once more and becomes the version that answers, and the old one is
freed. "During" are the requests due between the rename and the old version's end, "before" those of the second before
the rename; both are pooled over the swaps but for those in which the generator fell behind. Memory is VmRSS at the end
of a round.
"""


@dataclass(frozen=True, slots=True)
class Swap:
    """One round; latencies in seconds of the requests before and during the swap, `took_seconds` the swap itself."""

    took_seconds: float
    before: list[float] = field(repr=False)
    during: list[float] = field(repr=False)
    failed: int
    late_share: float
    megabytes: float


def swaps(argv: Sequence[str]) -> int:
    """Raises BenchError when the gateway fails, or a request does."""
    arguments = _arguments(argv)
    stage = take_stage(arguments.output)
    with tempfile.TemporaryDirectory() as folder:
        models = build_dense_model(Path(folder)).models
        log = arguments.output / "swaps.log"
        environment = {"PENSTOCK_POLL_SECONDS": str(POLL_SECONDS)}
        with running_server(
            lambda *ports: gateway_command(models, *ports), stage.cores.server, log, environment
        ) as server:
            rows = TFS_JSON.request(pictures(1))
            server.wait_until(lambda: answers(server.port, rows))
            request = http_bytes(rows)
            numbers = track(range(2, arguments.swaps + 2), "swaps", console=stage.console, transient=True)
            found = [_swap(server, models, request, number, arguments.rate) for number in numbers]
    report = Report(
        "Versions swapped under load",
        METHOD.format(rate=arguments.rate, connections=CONNECTIONS, swaps=arguments.swaps),
        stage.facts,
        versions(),
        figures=figures({}, {"swap_growth_percent": [growth_percent(found)], "swap_p99_ratio": p99_ratio(found)}),
        tables=[swaps_table(found)],
        details={"swaps": [asdict(swap) for swap in found]},
    )
    stage.tell(report, "swaps")
    return 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="penstock bench swaps", description=__doc__)
    parser.add_argument("--swaps", type=int, default=50, help="how many (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=500.0, help="requests a second (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=Path("bench-results"), help="folder (default: bench-results)")
    arguments = parser.parse_args(argv)
    if arguments.swaps <= FIRST_READING or arguments.rate <= 0:
        raise BenchError(f"--swaps must be above {FIRST_READING}, where memory is read first, and --rate above 0")
    return arguments


def growth_percent(found: Sequence[Swap]) -> float:
    """Of the memory after the last swap over that after the fifth."""
    return (found[-1].megabytes / found[FIRST_READING - 1].megabytes - 1) * 100


def p99_ratio(found: Sequence[Swap]) -> list[float]:
    """During the swaps, by that before; none where no round was valid."""
    before, during = pooled(found)
    return [float(np.percentile(during, PERCENTILE) / np.percentile(before, PERCENTILE))] if before and during else []


def pooled(found: Sequence[Swap]) -> tuple[list[float], list[float]]:
    """Latencies before and during, of the rounds in which the generator kept up."""
    valid = [swap for swap in found if swap.late_share <= LATE_SHARE]
    return [s for swap in valid for s in swap.before], [s for swap in valid for s in swap.during]


def swaps_table(found: Sequence[Swap]) -> str:
    before, during = pooled(found)
    both = [f"{np.percentile(each, PERCENTILE) * 1e3:.2f}" if each else "-" for each in (before, during)]
    rows = [
        ["requests before / during", f"{len(before):,} / {len(during):,}"],
        ["failed", str(sum(swap.failed for swap in found))],
        ["p99 before / during, ms", " / ".join(both)],
        ["a swap took, median and longest, s", _median_and_longest([swap.took_seconds for swap in found])],
        [f"resident MB after {FIRST_READING}", f"{found[FIRST_READING - 1].megabytes:.1f}"],
        [f"resident MB after {len(found)}", f"{found[-1].megabytes:.1f}"],
        ["rounds left out, the generator late", str(sum(swap.late_share > LATE_SHARE for swap in found))],
    ]
    return markdown_table(["", ""], rows)


def _median_and_longest(seconds: Sequence[float]) -> str:
    return f"{np.median(seconds):.2f} / {max(seconds):.2f}"


def _swap(server: ServerProcess, models: Path, request: bytes, version: int, rate: float) -> Swap:
    moments: list[float] = []
    failure: list[Exception] = []

    def change() -> None:
        try:
            staged = stage_next(models, version)
            time.sleep(CALM_SECONDS)
            moments.extend(swap_in(server, staged, version))
        except Exception as error:  # noqa: BLE001 - the thread's outermost frame: raised again by whoever joins it
            failure.append(error)

    due = poisson_arrivals([Phase(rate, CALM_SECONDS + SWAP_SECONDS)], version)
    changing = threading.Thread(target=change)
    started = time.perf_counter()
    changing.start()
    run = run_open_loop(server.port, [request], due, connections=CONNECTIONS, patience_seconds=GIVE_UP_SECONDS)
    changing.join()
    if failure:
        raise failure[0]
    renamed, over = (moment - started for moment in moments)
    return Swap(
        over - renamed,
        _latencies(run, 0.1, renamed),
        _latencies(run, renamed, over),
        int(np.sum(run.status != 200)),
        run.late_share,
        resident_megabytes(server.pid),
    )


def _latencies(run: OpenLoopRun, start: float, end: float) -> list[float]:
    latency: Seconds = run.latency_seconds[(run.due >= start) & (run.due < end)]
    found: list[float] = latency[np.isfinite(latency)].tolist()
    return found
