"""The model call alone, in the caller's thread as the gateway's own backend makes it: its share of a prediction.

usage: python -m loadtests.bench.model_call SAVED_MODEL SECONDS     (prints one line of JSON; taskset chooses the core)
"""

import json
import sys
import time
from pathlib import Path

from loadtests.bench.dense_model import INPUT, pictures
from loadtests.bench.samples import percentile
from serving.backends.embedded.c_api import load_library
from serving.backends.embedded.session import load_model

WARM_UP_CALLS = 200


def measure(saved_model: Path, seconds: float) -> dict[str, float]:
    """Calls with one row for `seconds`: how many, the processor time they took, and their p50 and p99 in ms."""
    model = load_model(load_library(), saved_model)
    inputs = {INPUT: pictures(1)}
    for _ in range(WARM_UP_CALLS):
        model.run("serving_default", inputs)
    took: list[float] = []
    started, used = time.perf_counter(), time.process_time()
    while (asked := time.perf_counter()) - started < seconds:
        model.run("serving_default", inputs)
        took.append(time.perf_counter() - asked)
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    took.sort()
    return {
        "requests": len(took),
        "seconds": wall,
        "cpu_seconds": cpu,
        "p50_ms": percentile(took, 0.5) * 1e3,
        "p99_ms": percentile(took, 0.99) * 1e3,
    }


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), float(sys.argv[2]))))  # noqa: T201 - this is its answer
