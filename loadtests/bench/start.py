"""How long `penstock serve` takes until it is ready, and the memory it holds then: with the models in its own process,
and before another gateway that stands in for TensorFlow Serving. Prints a table for the docs.

usage: python -m loadtests.bench.start [--models DIR] [--rounds N]
"""

import argparse
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from loadtests.bench.processes import free_port, gateway_command, resident_megabytes

READY_POLL_SECONDS = 0.01
GIVE_UP_SECONDS = 60.0


class Start(NamedTuple):
    """Seconds from starting the process to its first 200 from /readyz, and its resident megabytes then."""

    seconds: float
    megabytes: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    embedded, tfserving = [], []
    grpc_port = free_port()
    with ready_gateway(arguments.models, grpc_port):
        elsewhere = ("--backend", "tfserving", "--tfserving-addresses", f"127.0.0.1:{grpc_port}")
        for _ in range(arguments.rounds):
            embedded.append(measure(arguments.models))
            tfserving.append(measure(arguments.models, *elsewhere))
    sys.stdout.write(
        f"| backend | start to ready, s: median of {arguments.rounds} | worst | resident memory when ready, MB: median "
        "| worst |\n|---|---:|---:|---:|---:|\n" + row("embedded", embedded) + row("tfserving", tfserving)
    )


def row(backend: str, starts: Sequence[Start]) -> str:
    seconds, megabytes = zip(*starts, strict=True)
    return (
        f"| {backend} | {statistics.median(seconds):.2f} | {max(seconds):.2f} "
        f"| {statistics.median(megabytes):.0f} | {max(megabytes):.0f} |\n"
    )


def measure(models: Path, *options: str) -> Start:
    started = time.monotonic()
    with ready_gateway(models, 0, *options) as process:
        return Start(time.monotonic() - started, resident_megabytes(process.pid))


@contextmanager
def ready_gateway(models: Path, grpc_port: int, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Entered with the first 200 from /readyz."""
    port, started = free_port(), time.monotonic()
    process = subprocess.Popen(gateway_command(models, port, grpc_port, *options), stdout=subprocess.DEVNULL)
    try:
        while not _ready(f"http://127.0.0.1:{port}/readyz"):
            if process.poll() is not None or time.monotonic() - started > GIVE_UP_SECONDS:
                raise SystemExit("the gateway did not become ready")
            time.sleep(READY_POLL_SECONDS)
        yield process
    finally:
        process.terminate()
        process.wait()


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 - a loopback address
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False


if __name__ == "__main__":
    main()
