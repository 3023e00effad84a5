"""How long `penstock serve` takes until it is ready, and the memory it holds then. Prints a table for the docs.

usage: python -m loadtests.bench.start [--models DIR] [--rounds N]
"""

import argparse
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from loadtests.bench.processes import gateway_command, resident_megabytes

READY_POLL_SECONDS = 0.01
GIVE_UP_SECONDS = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--port", type=int, default=18080)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    samples = [measure(arguments.models, arguments.port) for _ in range(arguments.rounds)]
    seconds, megabytes = zip(*samples, strict=True)
    sys.stdout.write(
        f"| measure | median of {arguments.rounds} | worst |\n|---|---:|---:|\n"
        f"| start to ready, s | {statistics.median(seconds):.2f} | {max(seconds):.2f} |\n"
        f"| resident memory when ready, MB | {statistics.median(megabytes):.0f} | {max(megabytes):.0f} |\n"
    )


def measure(models: Path, port: int) -> tuple[float, float]:
    """Seconds from starting the process to its first 200 from /readyz, and its resident megabytes then."""
    started = time.monotonic()
    process = subprocess.Popen(gateway_command(models, port, 0), stdout=subprocess.DEVNULL)
    try:
        while not _ready(f"http://127.0.0.1:{port}/readyz"):
            if process.poll() is not None or time.monotonic() - started > GIVE_UP_SECONDS:
                raise SystemExit("the gateway did not become ready")
            time.sleep(READY_POLL_SECONDS)
        return time.monotonic() - started, resident_megabytes(process.pid)
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
