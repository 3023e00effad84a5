"""The model call alone through TensorFlow's C API, with full batches: what a gateway before it can reach at most.

usage: python -m loadtests.bench.image_call SAVED_MODEL PROFILE PIXELS ROWS SECONDS ANSWERS

Writes the answers to one batch to the file ANSWERS and prints one line of JSON: how long one call takes by itself, and
rows a second by one thread and by two, of which one copies while the other's batch is computed.
"""

import json
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from loadtests.bench.image_models import INPUT, OUTPUT, fed, pictures
from serving.backends.embedded.c_api import load_library
from serving.backends.embedded.session import LoadedModel, load_model
from serving.contract.tensors import Array

SIGNATURE = "serving_default"
LEAST_CALLS = 3
"""Of each thread, however long they take."""


@dataclass(frozen=True, slots=True)
class Calls:
    """`call_seconds` is the median of calls one after the other: S(B)."""

    call_seconds: float
    rows_per_second: float
    rows_per_second_by_two: float

    @property
    def best(self) -> float:
        return max(self.rows_per_second, self.rows_per_second_by_two)


def measure(model: LoadedModel, images: Array, seconds: float) -> Calls:
    """The first call, which may compile, is not counted."""
    model.run(SIGNATURE, {INPUT: images})
    alone, took = _called(model, images, seconds, threads=1)
    by_two, _ = _called(model, images, seconds, threads=2)
    return Calls(statistics.median(took), alone, by_two)


def _called(model: LoadedModel, images: Array, seconds: float, *, threads: int) -> tuple[float, list[float]]:
    """Rows a second of all threads together, and how long each call took."""
    started = time.perf_counter()

    def keep_calling(_: int) -> list[float]:
        took: list[float] = []
        while len(took) < LEAST_CALLS or time.perf_counter() - started < seconds:
            asked = time.perf_counter()
            model.run(SIGNATURE, {INPUT: images})
            took.append(time.perf_counter() - asked)
        return took

    with ThreadPoolExecutor(threads) as pool:
        took = [each for calls in pool.map(keep_calling, range(threads)) for each in calls]
    return len(took) * len(images) / (time.perf_counter() - started), took


def main(argv: Sequence[str]) -> None:
    saved_model, profile, pixels, rows, seconds, answers = argv
    model = load_model(load_library(), Path(saved_model))
    images = fed(profile, pictures(int(rows), int(pixels)))
    np.save(answers, model.run(SIGNATURE, {INPUT: images})[OUTPUT])
    sys.stdout.write(f"{json.dumps(asdict(measure(model, images, float(seconds))))}\n")
    model.close()


if __name__ == "__main__":
    main(sys.argv[1:])
