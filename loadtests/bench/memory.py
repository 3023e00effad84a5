"""`penstock bench memory`: the gateway's resident memory after ten thousand requests and after a million.

Every form takes its turn, a refused one among them: what leaks does so most of all where an error was made.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.progress import Progress

from loadtests.bench.dense_model import build_dense_model, pictures
from loadtests.bench.errors import BenchError
from loadtests.bench.forms import OIP_BINARY, TFS_JSON, TFS_NPY, TFS_PATH, HttpRequest, json_request
from loadtests.bench.lineup import JSON
from loadtests.bench.machine import versions
from loadtests.bench.processes import ServerProcess, gateway_command, resident_megabytes, running_server
from loadtests.bench.results import Report
from loadtests.bench.stage import take_stage
from loadtests.bench.tables import markdown_table
from loadtests.bench.targets import figures
from loadtests.bench.wrk import run_wrk

CONNECTIONS = 32
FIRST_READING, LAST_READING, READINGS_BETWEEN = 10_000, 1_000_000, 9
SLICE_SECONDS = 0.5
"""wrk runs for a time and not for a count: readings are taken at the first slice's end past each mark."""
METHOD = """\
The gateway with the embedded backend on one core, wrk with {connections} connections on another: rows of 784 numbers as
JSON, npy and OIP binary and a row that is refused, in turn. Resident memory (VmRSS) of the gateway's process, of which
TensorFlow's library is some 290 MB.
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """Resident memory after so many requests, `refused` of them with a status of 400 or more."""

    requests: int
    refused: int
    megabytes: float


def memory(argv: Sequence[str]) -> int:
    """Raises BenchError when the gateway fails or leaves requests unanswered."""
    arguments = _arguments(argv)
    stage = take_stage(arguments.output)
    with tempfile.TemporaryDirectory() as folder:
        model = build_dense_model(Path(folder))
        log = arguments.output / "memory.log"
        with running_server(lambda *ports: gateway_command(model.models, *ports), stage.cores.server, log) as server:
            server.wait_until(lambda: JSON.probe.is_up(server))
            JSON.probe.check(server, model)
            wanted = marks(arguments.first, arguments.requests, READINGS_BETWEEN)
            with Progress(console=stage.console, transient=True, disable=not stage.console.is_terminal) as progress:
                task = progress.add_task("requests", total=arguments.requests)
                readings = []
                for reading in _readings(server, wanted):
                    readings.append(reading)
                    progress.update(task, completed=reading.requests)
    report = Report(
        "The gateway's memory over many requests",
        METHOD.format(connections=CONNECTIONS),
        stage.facts,
        versions(),
        figures=figures({}, {"growth_percent": [growth_percent(readings)]}),
        tables=[readings_table(readings)],
        details={"readings": [asdict(reading) for reading in readings]},
    )
    stage.tell(report, "memory")
    return 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="penstock bench memory", description=__doc__)
    parser.add_argument("--first", type=int, default=FIRST_READING, help="requests before the first reading")
    parser.add_argument("--requests", type=int, default=LAST_READING, help="requests before the last reading")
    parser.add_argument("--output", type=Path, default=Path("bench-results"), help="folder (default: bench-results)")
    arguments = parser.parse_args(argv)
    if not 0 < arguments.first < arguments.requests:
        raise BenchError("--first must be above 0 and below --requests")
    return arguments


def marks(first: int, last: int, between: int) -> list[int]:
    """Counts of requests at which memory is read: the first, the last, and some evenly between."""
    step = (last - first) / (between + 1)
    return [round(first + place * step) for place in range(between + 2)]


def growth_percent(readings: Sequence[Reading]) -> float:
    """Of the last reading over the first."""
    return (readings[-1].megabytes / readings[0].megabytes - 1) * 100


def readings_table(readings: Sequence[Reading]) -> str:
    rows = [[f"{read.requests:,}", f"{read.refused:,}", f"{read.megabytes:.1f}"] for read in readings]
    return markdown_table(["requests", "refused of them", "resident MB"], rows)


def _requests() -> list[HttpRequest]:
    row = pictures(1)
    too_short = json_request(TFS_PATH, row[:, 1:])
    return [TFS_JSON.request(row), TFS_NPY.request(row), OIP_BINARY.request(row), too_short]


def _readings(server: ServerProcess, wanted: Sequence[int]) -> Iterator[Reading]:
    requests, done, refused = _requests(), 0, 0
    for mark in wanted:
        if done >= mark:
            continue  # one slice went past several
        while done < mark:
            count = run_wrk(server.port, requests, CONNECTIONS, SLICE_SECONDS if mark == wanted[0] else 2.0)
            if count.broken or not count.requests:
                raise BenchError(f"{count.broken} requests were not answered:\n{server.log_end()}")
            done, refused = done + count.requests, refused + count.refused
        yield Reading(done, refused, resident_megabytes(server.pid))
