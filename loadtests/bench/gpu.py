"""`penstock bench gpu`: what the export profile gpu gains, and how much of it is left behind the gateway.

Without a GPU it runs on the processor, small, to try the instrument: figures come out, and no aim is judged by them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from loadtests.bench.asking import answers, ask
from loadtests.bench.errors import BenchError, WrongAnswer
from loadtests.bench.forms import HttpRequest, npy_request, read_npy
from loadtests.bench.image_call import Calls
from loadtests.bench.image_models import (
    MOST_APART,
    PROFILES,
    ImageModels,
    build_image_models,
    most_apart,
    pictures,
    total_variation,
)
from loadtests.bench.machine import machine_facts, versions
from loadtests.bench.processes import Cores, ServerProcess, gateway_command, running_server
from loadtests.bench.results import Report, write_report
from loadtests.bench.samples import spread
from loadtests.bench.tables import digits, markdown_table
from loadtests.bench.targets import figures
from loadtests.bench.wrk import WrkCount, run_wrk

UNDER_WAY = 1.5
"""Batches whose rows the clients keep under way: one computes and half of the next waits. With two, Little's law alone
would put the mean latency at 2 S(B)."""
GENERATOR_SHARE = 8
"""One core of so many is the generator's."""
ANSWER_APART = 1e-3
"""Of a probability, by the gateway and by the C API: batches of other sizes add in another order, in float16."""
READY_SECONDS = 600.0
"""XLA compiles each batch size while the gateway loads the model, for every worker."""
METHOD = """\
{network} with random weights and {pixels} x {pixels} images, exported plain and with the profile gpu; first each alone
through TensorFlow's C API in batches of {batch}, by one thread and by two, then the latter behind a gateway with
--workers {workers}: wrk with {connections} connections, {rows} 8-bit images a request as npy. Every answer of the gpu
export lies within a total variation of {apart} of the plain one's. Device: {device}.
"""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round measured: requests through the gateway carry `rows` each, and `apart` is how far the two exports'
    answers were.
    """

    plain: Calls
    compiled: Calls
    gateway: WrkCount
    rows: int
    apart: float

    @property
    def images_per_second(self) -> float:
        return self.gateway.requests * self.rows / self.gateway.seconds

    def figures(self) -> dict[str, float]:
        """By the names in `targets.py`."""
        return {
            "profile_ratio": self.compiled.rows_per_second / self.plain.rows_per_second,
            "of_the_c_api_percent": self.images_per_second / self.compiled.best * 100,
            "images_per_second": self.images_per_second,
            "p99_by_call": self.gateway.p99_ms / 1e3 / self.compiled.call_seconds,
        }


@dataclass(frozen=True, slots=True)
class Bench:
    """What is measured, and where: `servers` are the cores as taskset names them, `generators` how many others."""

    asked: argparse.Namespace
    models: ImageModels
    environment: Mapping[str, str]
    servers: str
    generators: int

    @property
    def connections(self) -> int:
        return connections_for(self.asked.batch, self.asked.rows)

    @property
    def request(self) -> HttpRequest:
        images = pictures(self.asked.batch, self.asked.pixels)[: self.asked.rows]
        return npy_request(f"/v1/models/{self.models.name}:predict", images)


def gpu(argv: Sequence[str]) -> int:
    """Raises BenchError without a GPU unless told `--device cpu`, and for answers that are not equal."""
    asked = _arguments(argv)
    console, (servers, generators) = Console(), _cores()
    asked.output.mkdir(parents=True, exist_ok=True)
    facts = machine_facts(Cores(servers[0], generators[0]))
    with tempfile.TemporaryDirectory() as folder:
        models = ImageModels(Path(folder), asked.network.lower(), asked.pixels, asked.batch)
        bench = Bench(asked, models, _environment(asked.device), ",".join(map(str, servers)), len(generators))
        seen = build_image_models(models.folder, asked.network, asked.pixels, asked.batch, bench.environment)
        if asked.device == "gpu" and not seen:
            raise BenchError(
                "TensorFlow sees no GPU; --device cpu --batch 4 --rounds 1 tries the benchmark without one"
            )
        rounds = [_round(bench) for _ in range(asked.rounds)]
    report = _report(bench, {**facts, "server's core": bench.servers, "GPUs": str(seen)}, rounds)
    written = write_report(report, asked.output, "gpu")
    console.print(report.markdown(), markup=False, highlight=False, soft_wrap=True)
    console.print(f"written: {', '.join(map(str, written))}", highlight=False, soft_wrap=True)
    return 0


def connections_for(batch_rows: int, rows: int) -> int:
    """So many that UNDER_WAY batches are always asked for, two at least."""
    return max(2, round(UNDER_WAY * batch_rows / rows))


def _round(bench: Bench) -> Round:
    plain, compiled = (_call(bench, profile) for profile in PROFILES)
    expected = _answers(bench.models, "gpu")
    apart = most_apart(expected, _answers(bench.models, "cpu"))
    return Round(plain, compiled, _through_gateway(bench, expected), bench.asked.rows, apart)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="penstock bench gpu", description=__doc__)
    parser.add_argument("--device", choices=["gpu", "cpu"], default="gpu", help="cpu only tries the instrument")
    parser.add_argument("--network", default="ResNet50", help="a name in keras.applications (default: ResNet50)")
    parser.add_argument("--pixels", type=int, default=224, help="of an image's edge (default: 224)")
    parser.add_argument("--batch", type=int, default=256, help="B, rows of a full batch (default: 256)")
    parser.add_argument("--rows", type=int, default=4, help="images a request (default: 4)")
    parser.add_argument("--workers", type=int, default=1, help="of the gateway, each with a model of its own")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement (default: 10)")
    parser.add_argument("--output", type=Path, default=Path("bench-results"), help="folder (default: bench-results)")
    arguments = parser.parse_args(argv)
    if not 0 < arguments.rows <= arguments.batch or arguments.rounds < 1:
        raise BenchError("--rows must be above 0 and at most --batch, --rounds at least 1")
    return arguments


def _cores() -> tuple[list[int], list[int]]:
    """Those of the servers and those of the generator, where this process stays from now on."""
    allowed = sorted(os.sched_getaffinity(0))
    many = max(1, len(allowed) // GENERATOR_SHARE)
    servers, generators = allowed[:-many] or allowed, allowed[-many:]
    os.sched_setaffinity(0, generators)
    return servers, generators


def _environment(device: str) -> dict[str, str]:
    """Several processes share the GPU's memory as they need it; on the processor there is none."""
    own = {"CUDA_VISIBLE_DEVICES": "-1"} if device == "cpu" else {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **own}


def _call(bench: Bench, profile: str) -> Calls:
    models = bench.models
    size = [str(models.pixels), str(models.batch_rows), str(bench.asked.seconds), str(models.folder / f"{profile}.npy")]
    command = [sys.executable, "-m", "loadtests.bench.image_call", str(models.saved_model(profile)), profile, *size]
    done = subprocess.run(
        ["taskset", "-c", bench.servers, *command], capture_output=True, text=True, check=False, env=bench.environment
    )
    if done.returncode:
        raise BenchError(f"the model call alone failed: {done.stderr.strip()[-500:]}")
    return Calls(**json.loads(done.stdout))


def _answers(models: ImageModels, profile: str) -> NDArray[np.float32]:
    found: NDArray[np.float32] = np.load(models.folder / f"{profile}.npy")
    return found


def _through_gateway(bench: Bench, expected: NDArray[np.float32]) -> WrkCount:
    """Its answer is compared with the C API's before anything is timed. Raises BenchError for one refused request."""
    request, asked = bench.request, bench.asked
    settings = {
        "PENSTOCK_MAX_BATCH_ROWS": str(asked.batch),
        "PENSTOCK_MAX_BODY_BYTES": str(2 * len(request.body)),
        "PENSTOCK_MAX_QUEUE_BYTES": str(4 * bench.connections * len(request.body)),
        "PENSTOCK_WORKERS": str(asked.workers),
    }
    with running_server(
        lambda *ports: gateway_command(bench.models.models("gpu"), *ports),
        bench.servers,
        asked.output / "gpu.log",
        {**bench.environment, **settings},
    ) as server:
        server.wait_until(lambda: answers(server.port, request), READY_SECONDS)
        _check(server, request, expected[: asked.rows])
        run_wrk(server.port, [request], bench.connections, asked.seconds / 2, bench.generators)
        count = run_wrk(server.port, [request], bench.connections, asked.seconds, bench.generators)
        if count.refused or count.broken:
            raise BenchError(f"{count.requests} answers, {count.refused} of them refusals, {count.broken} broken")
        if not count.requests:
            raise BenchError(f"nothing was answered within {asked.seconds} s; measure for longer by --seconds")
        return count


def _check(server: ServerProcess, request: HttpRequest, expected: NDArray[np.float32]) -> None:
    found = read_npy(ask(server.port, request))
    if found.shape != expected.shape or total_variation(found, expected).max() > ANSWER_APART:
        raise WrongAnswer("the gateway answers the images otherwise than the C API does")


def _report(bench: Bench, machine: Mapping[str, str], rounds: Sequence[Round]) -> Report:
    """Aims are judged on a GPU alone."""
    asked = bench.asked
    found = {name: [each.figures()[name] for each in rounds] for name in rounds[0].figures()}
    return Report(
        "The export profile gpu, and the gateway before a GPU",
        METHOD.format(
            network=asked.network,
            pixels=asked.pixels,
            batch=asked.batch,
            workers=asked.workers,
            connections=bench.connections,
            rows=asked.rows,
            apart=MOST_APART,
            device=asked.device if asked.device == "gpu" else "the processor, to try the benchmark: no aim is judged",
        ),
        machine,
        versions(),
        figures=figures({}, found) if asked.device == "gpu" else (),
        tables=[rounds_table(rounds)],
        details={"rounds": [asdict(each) for each in rounds], "measured": found},
    )


def rounds_table(rounds: Sequence[Round]) -> str:
    """Medians over the rounds."""
    calls = {"plain export": [each.plain for each in rounds], "export profile gpu": [each.compiled for each in rounds]}
    lines = [
        [
            f"C API, {name}",
            digits(spread([each.rows_per_second for each in all_of]).median),
            digits(spread([each.rows_per_second_by_two for each in all_of]).median),
            digits(spread([each.call_seconds * 1e3 for each in all_of]).median),
            "",
        ]
        for name, all_of in calls.items()
    ]
    through = [
        "gateway, export profile gpu",
        digits(spread([each.images_per_second for each in rounds]).median),
        "",
        digits(spread([each.gateway.p50_ms for each in rounds]).median),
        digits(spread([each.gateway.p99_ms for each in rounds]).median),
    ]
    head = ["who", "images/s", "by two threads", "S(B) or p50, ms", "p99, ms"]
    apart = digits(max(each.apart for each in rounds))
    return f"{markdown_table(head, [*lines, through])}\nThe exports' answers are {apart} apart at most.\n"
