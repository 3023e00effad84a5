"""Seconds an epoch of a shipped job beside those of the plain script, in one run, turn by turn.

Both fit the same rows in the same batches for the same epochs by the same optimiser. The plain script is what the
first page of a tutorial has: `model.fit(x, y, batch_size=32)`, everything else left as Keras has it. Each turn is a
process of its own, for what one leaves switched on in TensorFlow the other would meet.

usage: python -m training.bench.speed DATA [--turns 3]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FILE = "mnist_10k.npz"
JOBS = ("mnist", "mnist_cnn")
WAYS = ("plain", "ours")


@dataclass(frozen=True, slots=True)
class Turn:
    """`epoch_seconds` of each epoch, the first with its compilation; `seconds` of the whole fit; test `accuracy`."""

    epoch_seconds: list[float]
    seconds: float
    accuracy: float

    @property
    def steady(self) -> float:
        """An epoch once everything is compiled."""
        return statistics.median(self.epoch_seconds[1:])


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench-training-speed")
    parser.add_argument("data", type=Path)
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args(argv)
    for job in JOBS:
        turns: dict[str, list[Turn]] = {way: [] for way in WAYS}
        for number in range(arguments.turns):
            for way in WAYS:
                turns[way].append(_child(way, job, arguments.data / FILE, seed=number + 1))
        _tell(job, turns)
    return 0


def _child(way: str, job: str, data: Path, seed: int) -> Turn:
    command = [sys.executable, "-m", "training.bench.turn", way, job, str(data), str(seed)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return Turn(**json.loads(done.stdout.splitlines()[-1]))


def _tell(job: str, turns: dict[str, list[Turn]]) -> None:
    print(f"{job}: {len(turns['plain'])} turns each, in turn")
    for way in WAYS:
        steady = [turn.steady for turn in turns[way]]
        print(
            f"  {way:<6} epoch {statistics.mean(steady):.3f} s ({min(steady):.3f} to {max(steady):.3f}),"
            f" whole fit {statistics.mean(turn.seconds for turn in turns[way]):.2f} s,"
            f" accuracy {statistics.mean(turn.accuracy for turn in turns[way]):.4f}"
        )
    pairs = list(zip(turns["plain"], turns["ours"], strict=True))
    print(f"  an epoch {statistics.median(one.steady / other.steady for one, other in pairs):.2f} times as fast")
    print(f"  the fit {statistics.median(one.seconds / other.seconds for one, other in pairs):.2f} times as fast")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
